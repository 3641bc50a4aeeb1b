#ifndef SIM_POLICY_MLFQ_H
#define SIM_POLICY_MLFQ_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_mlfq;

#endif
