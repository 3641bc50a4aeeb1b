/* Between two changes of a batch nothing is decided: each step takes a decode in and schedules the
 * next one like it. The times of such steps are an arithmetic progression, so they are planned at
 * once: at the price of one step where the requests are kept together (decode_group.h), at that of
 * a walk over them where they are not (uniform_decodes.h).
 *
 * A plan changes nothing yet. It is applied when it is over, or as far as it got when something
 * reaches the instance before; the result is the same to the bit as step by step. */
#ifndef SIM_SERVING_FAST_FORWARD_H
#define SIM_SERVING_FAST_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/serving/instance_parts.h"

#include "sim/serving/draft_plan.h"

struct instance;

/* When a step of those planned is, counted from 0; at 'run->steps' the one after them. */
static inline int64_t decode_run_step_ps(const struct decode_run *run, uint64_t step)
{
    return run->verifies ? run->ends_ps[step] : step_times_at(&run->times, step);
}

/* The number of planned steps that come before 'end_ps'; the first always counts. */
uint64_t decode_run_steps_before(const struct decode_run *run, int64_t end_ps);

/* At the end of a step: plans the steps from now on that only repeat one decode. False when there
 * are fewer than two. */
bool fast_forward_plan(struct instance *instance, int64_t now_ps);

/* Makes the first 'steps' of the steps planned, at least one; nothing is planned any more. The next
 * step then ends at the oldest step's end_ps. */
void fast_forward_apply(struct instance *instance, uint64_t steps);

#endif
