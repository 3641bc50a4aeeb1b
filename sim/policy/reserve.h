#ifndef SIM_POLICY_RESERVE_H
#define SIM_POLICY_RESERVE_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_reserve;

#endif
