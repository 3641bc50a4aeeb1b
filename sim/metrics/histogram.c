#include "sim/metrics/histogram.h"

#include <assert.h>
#include <math.h>

#include "sim/base/units.h"

/* Small values have a bucket each; above, the leading bit chooses the octave and the next six bits
 * the bucket within it. */
static uint32_t bucket_of(int64_t duration_ps)
{
    uint64_t value = (uint64_t)duration_ps;
    if (value < HISTOGRAM_PER_OCTAVE) {
        return (uint32_t)value;
    }
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(value);
    uint32_t within = (uint32_t)(value >> (octave - 6)) & (HISTOGRAM_PER_OCTAVE - 1);
    return (octave - 5) * HISTOGRAM_PER_OCTAVE + within;
}

static double middle_ps(uint32_t bucket)
{
    if (bucket < HISTOGRAM_PER_OCTAVE) {
        return bucket;
    }
    uint32_t octave = bucket / HISTOGRAM_PER_OCTAVE + 5;
    double width = ldexp(1, (int)octave - 6);
    return ldexp(1, (int)octave) + (bucket % HISTOGRAM_PER_OCTAVE + 0.5) * width;
}

/* The first duration beyond the bucket. */
static int64_t end_of(uint32_t bucket)
{
    if (bucket < HISTOGRAM_PER_OCTAVE) {
        return (int64_t)bucket + 1;
    }
    uint32_t shift = bucket / HISTOGRAM_PER_OCTAVE - 1;
    uint64_t within = bucket % HISTOGRAM_PER_OCTAVE;
    uint64_t end = (HISTOGRAM_PER_OCTAVE + within + 1) << shift;
    return end > INT64_MAX ? INT64_MAX : (int64_t)end;
}

static void count(struct histogram *histogram, uint32_t bucket, uint64_t times, uint128 sum_ps,
                  int64_t largest_ps)
{
    histogram->counts[bucket] += times;
    histogram->total += times;
    histogram->sum_ps += sum_ps;
    histogram->maximum_ps = ps_max(histogram->maximum_ps, largest_ps);
}

void histogram_add(struct histogram *histogram, int64_t duration_ps, uint64_t times)
{
    assert(duration_ps >= 0);
    count(histogram, bucket_of(duration_ps), times, (uint128)duration_ps * times, duration_ps);
}

void histogram_add_progression(struct histogram *histogram, int64_t first_ps, int64_t rise_ps,
                               uint64_t terms, uint64_t times)
{
    if (rise_ps < 0 && terms > 0) {
        first_ps += rise_ps * (int64_t)(terms - 1);
        rise_ps = -rise_ps;
    }
    assert(first_ps >= 0);
    while (terms > 0) {
        uint32_t bucket = bucket_of(first_ps);
        uint64_t within = terms;
        if (rise_ps > 0) {
            uint64_t room = (uint64_t)((end_of(bucket) - 1 - first_ps) / rise_ps) + 1;
            within = room < terms ? room : terms;
        }
        int64_t last_ps = first_ps + rise_ps * (int64_t)(within - 1);
        uint128 sum_ps = (uint128)(first_ps + last_ps) * within / 2 * times;
        count(histogram, bucket, within * times, sum_ps, last_ps);
        first_ps = last_ps + rise_ps;
        terms -= within;
    }
}

double histogram_quantile_s(const struct histogram *histogram, double quantile)
{
    if (histogram->total == 0) {
        return NAN;
    }
    double wanted = quantile * (double)histogram->total;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= wanted) {
            double largest = (double)histogram->maximum_ps;
            return fmin(middle_ps(i), largest) / (double)PS_PER_S;
        }
    }
    return (double)histogram->maximum_ps / (double)PS_PER_S;
}

double histogram_mean_s(const struct histogram *histogram)
{
    return histogram->total > 0
               ? (double)histogram->sum_ps / (double)histogram->total / (double)PS_PER_S
               : NAN;
}

uint64_t histogram_count_up_to(const struct histogram *histogram, int64_t duration_ps)
{
    uint64_t count = 0;
    assert(duration_ps >= 0);
    for (uint32_t bucket = 0; bucket <= bucket_of(duration_ps); bucket++) {
        count += histogram->counts[bucket];
    }
    return count;
}
