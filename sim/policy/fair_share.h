#ifndef SIM_POLICY_FAIR_SHARE_H
#define SIM_POLICY_FAIR_SHARE_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_fair_share;

#endif
