#ifndef SIM_POLICY_FCFS_H
#define SIM_POLICY_FCFS_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_fcfs;

#endif
