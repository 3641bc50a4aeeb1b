/* What the members of a decode group that speculates do in the steps ahead. How many drafts each
 * verification accepts is part of the truth about a request, so a member's tokens and blocks are
 * known in advance: they are added up by step once, and a step then costs the same for one member
 * as for hundreds. */
#ifndef SIM_SERVING_DRAFT_PLAN_H
#define SIM_SERVING_DRAFT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/serving/instance_parts.h"

#include "sim/serving/speculation.h"

struct instance;

/* Nothing is planned, and what will be ends before step 'end'. */
void draft_plan_reset(struct draft_plan *plan, uint64_t end);

static inline struct draft_step *draft_plan_step(struct draft_plan *plan, uint64_t step)
{
    return &plan->steps[step % DRAFT_PLAN_STEPS];
}

/* True when the request, whose verification is the step in flight, goes on with another one. */
bool draft_plan_suits(struct instance *instance, uint32_t request);

/* Adds what the member does from the step on in which it joined, and says in it until when: it is
 * due before the output of the step that ends it, or before the last one planned. Returns the step
 * with its first visible token; UINT64_MAX when none of those planned has it. */
uint64_t draft_plan_add(struct instance *instance, struct decode_group_member *member);

/* Brings the member's own counters up to date; with 'leaves', what was planned for it from now on
 * is taken out again. Between steps its verification is in flight, during a scheduling pass it is
 * over. */
void draft_plan_write_back(struct instance *instance, const struct decode_group_member *member,
                           bool leaves);

#endif
