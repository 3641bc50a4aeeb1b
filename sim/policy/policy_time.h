/* What several policies count in. */
#ifndef SIM_POLICY_POLICY_TIME_H
#define SIM_POLICY_POLICY_TIME_H

#include <stdint.h>

#include "sim/scheduling/scheduling_policy.h"

static inline double policy_seconds(int64_t time_ps)
{
    return (double)time_ps * 1e-12;
}

/* Output tokens that are still to come, as predicted. */
static inline double policy_tokens_left(const struct policy_request *request)
{
    return request->predicted_tokens - request->output_tokens;
}

/* A wait of 'aging_s' counts as much as 1. All that wait age alike, so that it is enough to count
 * from when each was sent; 0: waiting counts nothing. */
static inline double policy_age(const struct policy_request *request, double aging_s)
{
    return aging_s > 0 ? policy_seconds(request->sent_ps) / aging_s : 0;
}

#endif
