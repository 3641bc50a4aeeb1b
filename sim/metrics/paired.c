#include "sim/metrics/paired.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"

/* The t test of the differences. */
static void test_differences(struct paired *paired, const double *differences, double level)
{
    double count = paired->pairs;
    double deviation = gsl_stats_sd_m(differences, 1, paired->pairs, paired->difference);
    double error = deviation / sqrt(count);
    double half = gsl_cdf_tdist_Pinv(0.5 + level / 2, count - 1) * error;
    paired->low = paired->difference - half;
    paired->high = paired->difference + half;
    if (error > 0) {
        paired->chance = 2 * gsl_cdf_tdist_Q(fabs(paired->difference) / error, count - 1);
    } else {
        paired->chance = fabs(paired->difference) > 0 ? 0 : 1;
    }
}

struct paired paired_compare(const struct figure *figure, const struct run_summary *first,
                             const struct run_summary *second, uint32_t count, double level)
{
    assert(level > 0 && level < 1);
    struct paired paired = {0, NAN, NAN, NAN, NAN, NAN, NAN};
    double *differences = memory_zeroed((size_t)count + 1, sizeof differences[0]);
    double sums[2] = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        double a = figure_value(figure, &first[i]);
        double b = figure_value(figure, &second[i]);
        if (!isnan(a) && !isnan(b)) {
            sums[0] += a;
            sums[1] += b;
            differences[paired.pairs++] = b - a;
        }
    }
    if (paired.pairs > 0) {
        paired.first = sums[0] / paired.pairs;
        paired.second = sums[1] / paired.pairs;
        paired.difference = gsl_stats_mean(differences, 1, paired.pairs);
    }
    if (paired.pairs > 1) {
        test_differences(&paired, differences, level);
    }
    free(differences);
    return paired;
}

/* Holm's step-down: the k-th smallest of n chances must be at most alpha / (n - k + 1), and so must
 * all before it. */
void paired_significant(const struct paired *differences, uint32_t count, double alpha,
                        bool *ret_significant)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
        ret_significant[i] = false;
        known += !isnan(differences[i].chance);
    }
    for (uint32_t left = known; left > 0; left--) {
        uint32_t least = count;
        for (uint32_t i = 0; i < count; i++) {
            if (!ret_significant[i] && !isnan(differences[i].chance) &&
                (least == count || differences[i].chance < differences[least].chance)) {
                least = i;
            }
        }
        if (differences[least].chance > alpha / left) {
            return;
        }
        ret_significant[least] = true;
    }
}
