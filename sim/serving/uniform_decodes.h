/* Running requests of an engine that keeps no decode group, while all they do is decode: a stretch
 * of steps is taken at once at the price of one walk over them. */
#ifndef SIM_SERVING_UNIFORM_DECODES_H
#define SIM_SERVING_UNIFORM_DECODES_H

#include "sim/metrics/histogram.h"
#include "sim/serving/instance.h"

/* True when the steps in flight are decodes of the same requests, all of whose earlier tokens the
 * client has, and the engine can tell when it next decides something. */
bool uniform_decodes_are_all(struct instance *instance);

/* Turns, at most 'most', that only repeat the newest step; '*ret_growth' is how they take blocks.
 */
uint64_t uniform_decodes_steps(struct instance *instance, uint64_t most,
                               struct periodic_growth *ret_growth);

/* Takes them: each request gets a token 'delay_ps' after each step. To 'itl' goes the gap before
 * its first; those after are everyone's, for the caller to count. */
void uniform_decodes_repeat(struct instance *instance, const struct step_times *times,
                            uint64_t steps, const struct periodic_growth *growth, int64_t delay_ps,
                            struct histogram *itl);

/* 'repeat' of engines of paged blocks, where these are known by what they hold: which are handed
 * out and what becomes known of them, in the order of steps, and of the running in each. */
void uniform_decodes_repeat_blocks(struct instance *instance, uint64_t steps);

#endif
