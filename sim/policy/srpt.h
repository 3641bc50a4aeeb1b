#ifndef SIM_POLICY_SRPT_H
#define SIM_POLICY_SRPT_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_srpt;

#endif
