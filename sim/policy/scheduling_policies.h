/* The registry of scheduling policies. */
#ifndef SIM_POLICY_SCHEDULING_POLICIES_H
#define SIM_POLICY_SCHEDULING_POLICIES_H

#include "sim/base/error.h"
#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy *const scheduling_policies[]; /* NULL-ended */
uint32_t scheduling_policies_count(void);

/* By its name, or from the library at a path with a "/". */
MUST_CHECK bool scheduling_policy_find(const char *name, const struct scheduling_policy **ret_found,
                                       struct error *error);

#endif
