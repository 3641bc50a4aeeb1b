/* Durations of requests: exact percentiles as long as all fit in memory, beyond that a histogram's,
 * within 0.8 %. Nothing depends on the order in which they are added. */
#ifndef SIM_METRICS_LATENCY_H
#define SIM_METRICS_LATENCY_H

#include "sim/metrics/histogram.h"
#include "sim/metrics/samples.h"

enum { LATENCY_EXACT_LIMIT = 1 << 24 }; /* durations kept; 128 MiB of them */

struct latency {
    size_t exact_limit;
    struct samples exact;     /* in seconds */
    struct histogram *coarse; /* NULL as long as all are exact */
    uint64_t count;
    uint128 sum_ps;
    int64_t maximum_ps;
};

void latency_init(struct latency *latency, size_t exact_limit);
void latency_clear(struct latency *latency);
void latency_add(struct latency *latency, int64_t duration_ps);
struct distribution latency_distribution(struct latency *latency);

#endif
