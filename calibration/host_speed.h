/* How fast the host of a measured run is. CPUs differ, and are shared: identical runs on two hosts
 * with a GPU of one kind take up to 1.65 times as long where the host sets the pace. */
#ifndef CALIBRATION_HOST_SPEED_H
#define CALIBRATION_HOST_SPEED_H

#include <stdint.h>

#include "calibration/measured_run.h"
#include "sim/pricing/step_cost.h"

struct host_speed {
    double slowdown; /* measured time of the host by the priced one; 1 where too few steps tell */
    uint32_t steps;  /* that tell */
    uint32_t decode_steps; /* of those that could: decodes among decodes in sweep jobs */
};

/* From the sweep jobs of the run: decode steps for which the host needs longer than the GPU by
 * their prices, so that the next scheduling pass shows when it was done. */
struct host_speed host_speed_measure(const struct measured_run *run, const struct step_cost *cost);

/* Prices launches as a host does that takes 'slowdown' times as long. */
void host_speed_apply(double slowdown, struct step_cost *cost);

#endif
