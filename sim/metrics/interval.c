#include "sim/metrics/interval.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>

#define SKEWED 1.0
enum { MANY = 20 };

struct interval interval_predict(double *values, size_t count, double level)
{
    struct interval interval = {.mean = NAN, .low = NAN, .high = NAN};
    if (count == 0) {
        return interval;
    }
    interval.mean = gsl_stats_mean(values, 1, count);
    if (count < 2) {
        return interval;
    }
    gsl_sort(values, 1, count);
    double deviation = gsl_stats_sd_m(values, 1, count, interval.mean);
    double tail = (1 - level) / 2;
    bool skewed = count >= MANY && deviation > 0 &&
                  fabs(gsl_stats_skew_m_sd(values, 1, count, interval.mean, deviation)) > SKEWED;
    if (skewed) {
        interval.low = gsl_stats_quantile_from_sorted_data(values, 1, count, tail);
        interval.high = gsl_stats_quantile_from_sorted_data(values, 1, count, 1 - tail);
        return interval;
    }
    double half_width =
        gsl_cdf_tdist_Pinv(1 - tail, (double)count - 1) * deviation * sqrt(1 + 1 / (double)count);
    interval.low = interval.mean - half_width;
    interval.high = interval.mean + half_width;
    if (values[0] >= 0) {
        interval.low = fmax(0, interval.low);
    }
    return interval;
}

struct interval interval_share(double successes, double count)
{
    const double z = 1.959963984540054; /* of the normal distribution, 2.5 % on either side */
    assert(successes >= 0 && successes <= count);
    if (count <= 0) {
        return (struct interval){NAN, NAN, NAN};
    }
    double share = successes / count;
    double scale = 1 + z * z / count;
    double middle = (share + z * z / (2 * count)) / scale;
    double half = z / scale * sqrt(share * (1 - share) / count + z * z / (4 * count * count));
    return (struct interval){share, fmax(0, middle - half), fmin(1, middle + half)};
}
