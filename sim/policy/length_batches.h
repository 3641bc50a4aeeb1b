#ifndef SIM_POLICY_LENGTH_BATCHES_H
#define SIM_POLICY_LENGTH_BATCHES_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_length_batches;

#endif
