/* Figures over several runs of one scenario: their means, and where the next run will lie. */
#ifndef SIM_METRICS_FIGURE_INTERVAL_H
#define SIM_METRICS_FIGURE_INTERVAL_H

#include <stdint.h>

#include "sim/metrics/figure_table.h"
#include "sim/metrics/interval.h"

/* Mean of the figure over the runs that have it, and the interval that holds one further run with
 * probability 'level'. The interval always holds the mean. */
struct interval figure_interval(const struct figure *figure, const struct run_summary *runs,
                                uint32_t count, double level);

/* A summary whose every figure is the mean over the runs; counts are rounded. 'count' is at least
 * 1. */
struct run_summary figure_means(const struct run_summary *runs, uint32_t count);

/* False when every figure is the same in all runs, so that nothing can be random in them. */
bool figure_any_varies(const struct run_summary *runs, uint32_t count);

#endif
