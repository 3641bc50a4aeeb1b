#include "sim/metrics/samples.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void samples_init(struct samples *samples)
{
    memset(samples, 0, sizeof *samples);
}

void samples_clear(struct samples *samples)
{
    free(samples->values);
    memset(samples, 0, sizeof *samples);
}

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->values = memory_grow(samples->values, &samples->capacity, samples->count + 1,
                                      sizeof samples->values[0]);
    }
    samples->values[samples->count++] = value;
    samples->placed = 0;
}

double samples_quantile(struct samples *samples, double quantile)
{
    if (samples->count == 0) {
        return NAN;
    }
    double position = quantile * (double)(samples->count - 1);
    size_t below = (size_t)position;
    double share = position - (double)below;
    size_t start = samples->placed <= below ? samples->placed : 0;
    double *values = samples->values;
    double value = gsl_stats_select(values + start, 1, samples->count - start, below - start);
    samples->placed = below;
    if (share <= 0) {
        return value;
    }
    double above = gsl_stats_min(values + below + 1, 1, samples->count - below - 1);
    return (1 - share) * value + share * above;
}

double samples_mean(const struct samples *samples)
{
    return samples->count > 0 ? gsl_stats_mean(samples->values, 1, samples->count) : NAN;
}

struct distribution samples_distribution(struct samples *samples)
{
    return (struct distribution){
        .count = samples->count,
        .mean = samples_mean(samples),
        .p50 = samples_quantile(samples, 0.50),
        .p90 = samples_quantile(samples, 0.90),
        .p95 = samples_quantile(samples, 0.95),
        .p99 = samples_quantile(samples, 0.99),
        .p999 = samples_quantile(samples, 0.999),
        .max = samples_quantile(samples, 1.0),
    };
}
