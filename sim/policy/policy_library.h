/* A policy from a shared library that was not built with the program (examples/policy). */
#ifndef SIM_POLICY_POLICY_LIBRARY_H
#define SIM_POLICY_POLICY_LIBRARY_H

#include "sim/base/error.h"
#include "sim/scheduling/scheduling_policy.h"

/* The 'kvcast_policy' of the library at 'path', which holds a '/'. It stays loaded to the end of
 * the program. */
MUST_CHECK bool policy_library_open(const char *path, const struct scheduling_policy **ret_policy,
                                    struct error *error);

/* What a policy must have, wherever it comes from: the ABI number first. 'place' begins the error.
 */
MUST_CHECK bool policy_library_check(const struct scheduling_policy *policy, const char *place,
                                     struct error *error);

#endif
