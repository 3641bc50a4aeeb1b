#ifndef SIM_POLICY_DIFFICULTY_H
#define SIM_POLICY_DIFFICULTY_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_difficulty;

#endif
