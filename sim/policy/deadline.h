#ifndef SIM_POLICY_DEADLINE_H
#define SIM_POLICY_DEADLINE_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_deadline;

#endif
