#include "sim/policy/fcfs.h"

const struct scheduling_policy policy_fcfs = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "fcfs",
    .summary = "first come, first served; the newest is preempted",
};
