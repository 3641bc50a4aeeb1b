/* Where the next run will lie, from runs so far. */
#ifndef SIM_METRICS_INTERVAL_H
#define SIM_METRICS_INTERVAL_H

#include <stddef.h>

struct interval {
    double mean;
    double low;
    double high;
};

/* Interval that holds one further value with probability 'level' (0 to 1). Student's where the
 * values look normal (Hahn and Meeker, Statistical Intervals, 1991, section 4.8); their own
 * quantiles where they are many and skewed. Values that were never negative do not get a negative
 * bound. NAN bounds for fewer than two values. Sorts 'values'. */
struct interval interval_predict(double *values, size_t count, double level);

/* The share of successes among 'count' tries, and where the true one lies at a confidence of 95 %
 * (Wilson's interval). NAN without tries. */
struct interval interval_share(double successes, double count);

#endif
