#ifndef SIM_POLICY_PRIORITY_H
#define SIM_POLICY_PRIORITY_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_priority;
extern const struct scheduling_policy policy_preemptive_priority;

#endif
