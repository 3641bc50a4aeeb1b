#ifndef SIM_POLICY_PRIORITY_H
#define SIM_POLICY_PRIORITY_H

#include "sim/serving/scheduling_policy.h"

extern const struct scheduling_policy policy_priority;

#endif
