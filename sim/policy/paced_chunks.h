#ifndef SIM_POLICY_PACED_CHUNKS_H
#define SIM_POLICY_PACED_CHUNKS_H

#include "sim/scheduling/scheduling_policy.h"

extern const struct scheduling_policy policy_paced_chunks;

#endif
