#include "sim/policy/scheduling_policies.h"

#include <stddef.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/policy/deadline.h"
#include "sim/policy/difficulty.h"
#include "sim/policy/fair_share.h"
#include "sim/policy/fcfs.h"
#include "sim/policy/gang.h"
#include "sim/policy/las.h"
#include "sim/policy/length_batches.h"
#include "sim/policy/longest_first.h"
#include "sim/policy/mlfq.h"
#include "sim/policy/paced_chunks.h"
#include "sim/policy/policy_library.h"
#include "sim/policy/priority.h"
#include "sim/policy/reserve.h"
#include "sim/policy/sjf.h"
#include "sim/policy/slack.h"
#include "sim/policy/srpt.h"

const struct scheduling_policy *const scheduling_policies[] = {
    &policy_fcfs,
    &policy_priority,
    &policy_preemptive_priority,
    &policy_sjf,
    &policy_longest_first,
    &policy_srpt,
    &policy_las,
    &policy_mlfq,
    &policy_fair_share,
    &policy_deadline,
    &policy_slack,
    &policy_length_batches,
    &policy_difficulty,
    &policy_gang,
    &policy_reserve,
    &policy_paced_chunks,
    NULL,
};

uint32_t scheduling_policies_count(void)
{
    return sizeof scheduling_policies / sizeof scheduling_policies[0] - 1;
}

bool scheduling_policy_find(const char *name, const struct scheduling_policy **ret_found,
                            struct error *error)
{
    if (strchr(name, '/') != NULL) {
        return policy_library_open(name, ret_found, error);
    }
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
