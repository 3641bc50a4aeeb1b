/* The scheduling policy of an instance: asks it, checks what it answers, and tells it of what
 * happens. Each answer stands until something happens; so steps between two events need no asking,
 * and steps made at once give the same as steps one by one. */
#ifndef SIM_SERVING_INSTANCE_POLICY_H
#define SIM_SERVING_INSTANCE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/scheduling/scheduling_policy.h"
#include "sim/serving/instance_parts.h"

struct batch;
struct instance;

/* A request enters the waiting queue, where the policy says; without its say the preempted go to
 * the front. */
void instance_policy_enqueue(struct instance *instance, uint32_t request);

/* A request runs from now on, behind all others, and the policy is told. */
void instance_policy_start(struct instance *instance, uint32_t request);

/* Something has happened to a request. */
void instance_policy_tell(struct instance *instance, enum policy_event event, uint32_t request);

/* The output of 'batch' was taken in: tells of the milestones that were reached and of the requests
 * that finished, in the order of their numbers. */
void instance_policy_tell_of_output(struct instance *instance, const struct batch *batch);

/* Whether the first of the waiting may start. */
bool instance_policy_admits(struct instance *instance, uint32_t request);
/* The same without asking: false when it was asked since the last event and said no. */
bool instance_policy_may_admit(const struct instance *instance, uint32_t request);

/* At the start of a scheduling pass: whether something has happened since the last one, so that the
 * policy is asked for places and chunks. */
bool instance_policy_begin_pass(struct instance *instance);
/* The same without beginning one. */
bool instance_policy_has_news(const struct instance *instance);

/* The running request that gives its place to the first of the waiting; false when none does. */
bool instance_policy_displaced(struct instance *instance, uint32_t *ret_request);

/* Most prompt tokens of a step, where prompts may be cut into chunks. */
uint32_t instance_policy_chunk_tokens(const struct instance *instance);

/* Whether it is not simply the one admitted last that is preempted. */
bool instance_policy_has_victims(const struct instance *instance);
/* Position among the running of the request to preempt. */
uint32_t instance_policy_victim(struct instance *instance);

/* Steps, at most 'most', that each bring the request a token before it is at a milestone. */
uint64_t instance_policy_steps(const struct instance *instance, const struct request *request,
                               uint64_t most);

#endif
