#include "sim/policy/scheduling_policies.h"

#include <stddef.h>

#include "sim/base/text.h"
#include "sim/policy/fcfs.h"
#include "sim/policy/priority.h"

const struct scheduling_policy *const scheduling_policies[] = {
    &policy_fcfs,
    &policy_priority,
    &policy_preemptive_priority,
    NULL,
};

uint32_t scheduling_policies_count(void)
{
    return sizeof scheduling_policies / sizeof scheduling_policies[0] - 1;
}

bool scheduling_policy_find(const char *name, const struct scheduling_policy **ret_found,
                            struct error *error)
{
    const char *names[sizeof scheduling_policies / sizeof scheduling_policies[0]] = {NULL};
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        names[i] = scheduling_policies[i]->name;
        if (text_equal(name, names[i])) {
            *ret_found = scheduling_policies[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown scheduling policy", name, names, "");
}
