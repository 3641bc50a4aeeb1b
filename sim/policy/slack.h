#ifndef SIM_POLICY_SLACK_H
#define SIM_POLICY_SLACK_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_slack;

#endif
