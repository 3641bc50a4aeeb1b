#ifndef SIM_POLICY_GANG_H
#define SIM_POLICY_GANG_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_gang;

#endif
