/* When the steps that a host launches one after the other have been launched, and when they end. */
#ifndef SIM_PRICING_STEP_CLOCK_H
#define SIM_PRICING_STEP_CLOCK_H

#include "sim/pricing/launched_sizes.h"
#include "sim/pricing/step_cost.h"

/* All zero: nothing was launched yet. */
struct step_clock {
    int64_t launch_done_ps; /* of the newest step */
    int64_t gpu_free_ps;    /* when the GPU has done all launched work: the newest step's end */
    bool new_sizes_wait;    /* launching a size for the first time waits for the GPU to be idle */
    struct launched_sizes launched_sizes; /* without a graph */
};

/* Launches a step of 'summary' at 'now_ps'. On one GPU the engine loop launches itself and is held
 * up by it; workers of their own launch one step after the other. A full graph starts when it is
 * launched, other steps start with their first kernel. */
void step_clock_launch(struct step_clock *clock, const struct step_cost *cost,
                       const struct batch_summary *summary, struct step_price price,
                       int64_t now_ps);

void step_clock_clear(struct step_clock *clock);

#endif
