/* Durations in buckets of equal ratio: 64 to the octave, so that a quantile is within 0.8 % of the
 * exact one. Constant memory, whatever is counted. */
#ifndef SIM_METRICS_HISTOGRAM_H
#define SIM_METRICS_HISTOGRAM_H

#include <stdint.h>

#include "sim/base/units.h"

enum { HISTOGRAM_PER_OCTAVE = 64, HISTOGRAM_BUCKETS = 58 * HISTOGRAM_PER_OCTAVE };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint128 sum_ps;
    int64_t maximum_ps;
};

/* Counts 'times' occurrences of a duration of at least 0. */
void histogram_add(struct histogram *histogram, int64_t duration_ps, uint64_t times);

/* Counts each of first, first + rise, ..., 'terms' durations of at least 0, 'times' times. */
void histogram_add_progression(struct histogram *histogram, int64_t first_ps, int64_t rise_ps,
                               uint64_t terms, uint64_t times);

/* The duration that a share 'quantile' (0 to 1) does not exceed; NAN when empty. In seconds. */
double histogram_quantile_s(const struct histogram *histogram, double quantile);
/* Durations of at most 'duration_ps', those in its bucket included. */
uint64_t histogram_count_up_to(const struct histogram *histogram, int64_t duration_ps);
double histogram_mean_s(const struct histogram *histogram);

#endif
