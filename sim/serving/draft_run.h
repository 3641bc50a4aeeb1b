/* Runs of steps in which the decode group verifies drafts and nothing is decided. How many tokens
 * each brings is planned (draft_plan.h), so their times follow one from the other. */
#ifndef SIM_SERVING_DRAFT_RUN_H
#define SIM_SERVING_DRAFT_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct instance;

/* Plans such steps from now on in the instance's run, which then has at least two; false without.
 */
bool draft_run_plan(struct instance *instance, int64_t now_ps);

/* Makes the first 'steps' of them. */
void draft_run_apply(struct instance *instance, uint64_t steps);

#endif
