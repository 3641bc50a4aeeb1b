#include "sim/metrics/latency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void latency_init(struct latency *latency, size_t exact_limit)
{
    memset(latency, 0, sizeof *latency);
    latency->exact_limit = exact_limit;
    samples_init(&latency->exact);
}

void latency_clear(struct latency *latency)
{
    samples_clear(&latency->exact);
    free(latency->coarse);
    latency->coarse = NULL;
}

static void coarsen(struct latency *latency)
{
    latency->coarse = memory_zeroed(1, sizeof *latency->coarse);
    for (size_t i = 0; i < latency->exact.count; i++) {
        histogram_add(latency->coarse, ps_from_s(latency->exact.values[i]), 1);
    }
    samples_clear(&latency->exact);
}

void latency_add(struct latency *latency, int64_t duration_ps)
{
    if (latency->coarse == NULL && latency->exact.count == latency->exact_limit) {
        coarsen(latency);
    }
    if (latency->coarse != NULL) {
        histogram_add(latency->coarse, duration_ps, 1);
    } else {
        samples_add(&latency->exact, s_from_ps(duration_ps));
    }
    latency->count++;
    latency->sum_ps += (uint128)duration_ps;
    latency->maximum_ps = ps_max(latency->maximum_ps, duration_ps);
}

static double quantile(struct latency *latency, double share)
{
    return latency->coarse != NULL ? histogram_quantile_s(latency->coarse, share)
                                   : samples_quantile(&latency->exact, share);
}

struct distribution latency_distribution(struct latency *latency)
{
    if (latency->count == 0) {
        return (struct distribution){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    }
    return (struct distribution){
        .count = latency->count,
        .mean = (double)latency->sum_ps / (double)latency->count / (double)PS_PER_S,
        .p50 = quantile(latency, 0.50),
        .p90 = quantile(latency, 0.90),
        .p95 = quantile(latency, 0.95),
        .p99 = quantile(latency, 0.99),
        .p999 = quantile(latency, 0.999),
        .max = s_from_ps(latency->maximum_ps),
    };
}
