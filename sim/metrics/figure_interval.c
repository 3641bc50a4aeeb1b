#include "sim/metrics/figure_interval.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"

struct interval figure_interval(const struct figure *figure, const struct run_summary *runs,
                                uint32_t count, double level)
{
    assert(level > 0 && level < 1);
    double *values = memory_zeroed(count + 1, sizeof values[0]);
    size_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
        double value = figure_value(figure, &runs[i]);
        if (!isnan(value)) {
            values[known++] = value;
        }
    }
    struct interval interval = interval_predict(values, known, level);
    free(values);
    if (!isnan(interval.low)) {
        interval.low = fmin(interval.low, interval.mean);
        interval.high = fmax(interval.high, interval.mean);
    }
    assert(!(interval.low > interval.high));
    return interval;
}

struct run_summary figure_means(const struct run_summary *runs, uint32_t count)
{
    assert(count > 0);
    struct run_summary means = runs[0];
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        double sum = 0;
        uint32_t known = 0;
        for (uint32_t i = 0; i < count; i++) {
            double value = figure_value(figure, &runs[i]);
            sum += isnan(value) ? 0 : value;
            known += !isnan(value);
        }
        figure_set(figure, &means, known > 0 ? sum / known : (double)NAN);
    }
    for (uint32_t i = 0; i < count; i++) {
        means.latency.percentiles_are_exact &= runs[i].latency.percentiles_are_exact;
    }
    return means;
}

bool figure_any_varies(const struct run_summary *runs, uint32_t count)
{
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        double first = count > 0 ? figure_value(figure, &runs[0]) : (double)NAN;
        for (uint32_t i = 1; i < count; i++) {
            double other = figure_value(figure, &runs[i]);
            if (isnan(first) != isnan(other) || first < other || first > other) {
                return true;
            }
        }
    }
    return false;
}
