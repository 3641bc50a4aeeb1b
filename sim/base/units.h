/* Time is int64_t picoseconds from the start of the run (106 days of range); people and files use
 * seconds. This is the one place where the two are converted. */
#ifndef SIM_BASE_UNITS_H
#define SIM_BASE_UNITS_H

#include <math.h>
#include <stdint.h>

#define PS_PER_S INT64_C(1000000000000)
#define PS_PER_MS INT64_C(1000000000)
#define PS_PER_US INT64_C(1000000)
#define PS_PER_NS INT64_C(1000)
#define MAX_TIME_S 9.0e6                    /* INT64_MAX picoseconds is 9.22e6 s */
#define MAX_PS INT64_C(9100000000000000000) /* beyond MAX_TIME_S: no event of a run is later */

/* Integrals over time: exact, so that they do not depend on how a span is cut. */
__extension__ typedef unsigned __int128 uint128;

/* The nearest whole number, halves away from zero: the bits of llround without a call of libm.
 * 'value' must lie within the range of int64_t. What is cut off is exact, for a double of more than
 * 2^52 is whole. */
static inline int64_t nearest_whole(double value)
{
    int64_t whole = (int64_t)value;
    double rest = value - (double)whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

/* 'count' times 'ps', at most MAX_PS: products of long times and many tokens do not overflow. */
static inline int64_t ps_times(int64_t ps, int64_t count)
{
    int64_t product = 0;
    return __builtin_mul_overflow(ps, count, &product) || product > MAX_PS ? MAX_PS : product;
}

/* A sum of times, each at most MAX_PS: at most MAX_PS, which ends a run. */
static inline int64_t ps_plus(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) || sum > MAX_PS ? MAX_PS : sum;
}

static inline int64_t ps_from_s(double seconds)
{
    return nearest_whole(seconds * (double)PS_PER_S);
}

static inline double s_from_ps(int64_t picoseconds)
{
    return (double)picoseconds / (double)PS_PER_S;
}

static inline int64_t ps_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t ps_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
