/* A growing set of numbers with exact quantiles. */
#ifndef SIM_METRICS_SAMPLES_H
#define SIM_METRICS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    double *values;
    size_t count;
    size_t capacity;
    size_t placed; /* the values before this index are no larger than any from it on */
};

struct distribution {
    uint64_t count;
    double mean;
    double p50;
    double p90;
    double p95;
    double p99;
    double p999;
    double max;
};

void samples_init(struct samples *samples);
void samples_clear(struct samples *samples);
void samples_add(struct samples *samples, double value);
/* Linear interpolation between order statistics, as numpy.percentile and 'vllm bench serve' do;
 * NAN when empty. Moves the values about; cheapest when asked for rising quantiles. */
double samples_quantile(struct samples *samples, double quantile);
double samples_mean(const struct samples *samples); /* NAN when empty */
struct distribution samples_distribution(struct samples *samples);

#endif
