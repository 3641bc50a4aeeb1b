/* The running requests that decode in every step, one token each. What they do alike is kept once,
 * so that a step costs as much for one of them as for a thousand: a member's own counters stand
 * still from the step at whose end it joins to the step at whose start it leaves, and are brought
 * up to date then. Running requests that are no members are 'ungrouped' and walked one by one.
 *
 * Members have the same tokens in flight, got their last token at the same time, and stand before
 * every ungrouped request whose prompt is still being computed. */
#ifndef SIM_SERVING_DECODE_GROUP_H
#define SIM_SERVING_DECODE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/periodic_growth.h"
#include "sim/base/step_times.h"
#include "sim/serving/instance_parts.h"

struct batch;
struct instance;

static inline uint32_t decode_group_count(const struct decode_group *decode_group)
{
    return decode_group->leaving.count;
}

/* At the end of a step that brought tokens at 'seen_ps': ungrouped requests join that from now on
 * only decode, for as many steps as the preset says. */
void decode_group_gather(struct instance *instance, int64_t seen_ps);

/* At the start of a step: members leave for which it is not mere repetition. */
void decode_group_release(struct instance *instance);

/* During a scheduling pass, before its step is formed: one member leaves. */
void decode_group_remove(struct instance *instance, uint32_t request);

/* All leave, to be walked one by one. */
void decode_group_dissolve(struct instance *instance);

/* Between steps: writes what members are at into their requests, for a look at them. */
void decode_group_write_back(struct instance *instance);

/* Tokens that the output of the oldest step in flight brings its members. */
uint64_t decode_group_tokens(const struct decode_group *decode_group);

/* Each member got them. Returns the gap to the ones before. */
int64_t decode_group_deliver(struct decode_group *decode_group, struct instance *instance,
                             int64_t seen_ps);

/* Steps until a member leaves. There must be one. */
uint64_t decode_group_steps_left(const struct decode_group *decode_group);

/* Turns, at most 'most', that are mere repetition for all members and for which blocks suffice. */
uint64_t decode_group_steps(const struct instance *instance, uint64_t most);

/* How the members take blocks from the next step on. */
struct periodic_growth decode_group_growth(const struct decode_group *decode_group);

/* Tokens that each member runs in a step, and blocks that all of them take for the next one. */
uint32_t decode_group_member_tokens(const struct decode_group *decode_group);
uint64_t decode_group_blocks(const struct decode_group *decode_group);

/* Schedules all members in one step: takes their blocks, which must be free, and adds them to the
 * batch's sums. */
void decode_group_schedule(struct instance *instance, struct batch *batch);

/* Takes 'steps' steps at once: a token comes 'output_overhead_ps' after each. */
void decode_group_repeat(struct instance *instance, const struct step_times *times, uint64_t steps,
                         int64_t output_overhead_ps);

#endif
