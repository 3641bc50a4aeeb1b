/* Times of a policy in seconds. */
#ifndef SIM_POLICY_POLICY_TIME_H
#define SIM_POLICY_POLICY_TIME_H

#include <stdint.h>

static inline double policy_seconds(int64_t time_ps)
{
    return (double)time_ps * 1e-12;
}

#endif
