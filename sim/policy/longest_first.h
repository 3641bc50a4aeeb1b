#ifndef SIM_POLICY_LONGEST_FIRST_H
#define SIM_POLICY_LONGEST_FIRST_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_longest_first;

#endif
