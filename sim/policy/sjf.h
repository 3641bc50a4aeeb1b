#ifndef SIM_POLICY_SJF_H
#define SIM_POLICY_SJF_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_sjf;

#endif
