#ifndef SIM_POLICY_LAS_H
#define SIM_POLICY_LAS_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_las;

#endif
