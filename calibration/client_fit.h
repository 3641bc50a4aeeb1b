/* The client's share of a latency, from the sweeps of a measured run. */
#ifndef CALIBRATION_CLIENT_FIT_H
#define CALIBRATION_CLIENT_FIT_H

#include "calibration/measured_run.h"
#include "sim/pricing/step_cost.h"

/* Writes the times from sent to taken in, from woken to formed (with how much that one varies), and
 * from the scheduling pass that follows the output of a step to the token at the client. Leaves
 * zeros where no job tells. */
void client_fit(const struct measured_run *run, struct step_cost *cost);

#endif
