/* What a policy sees of an instance: up to date, wherever the decode group keeps its counters. */
#ifndef SIM_SERVING_POLICY_VIEW_H
#define SIM_SERVING_POLICY_VIEW_H

#include "sim/scheduling/scheduling_policy.h"

struct instance;

/* As it is now; good until something changes. */
struct policy_view policy_view_of(struct instance *instance);
struct policy_request policy_view_request(struct instance *instance, uint32_t request);

/* Of a request, up to date like all of the view that was made last. */
uint32_t policy_view_computed_tokens(struct instance *instance, uint32_t request);

/* Whether anybody looks at predicted lengths; else they are not made. */
bool policy_view_predicts(const struct instance *instance);

#endif
