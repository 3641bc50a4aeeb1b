/* The figures of a sweep as data: one figure over one setting, or over two as a heat map. What else
 * varies has lines or panels of its own. */
#ifndef SIM_PAGES_SWEEP_CHARTS_H
#define SIM_PAGES_SWEEP_CHARTS_H

#include "sim/pages/sweep_table.h"
#include "sim/report/chart.h"

/* The figure of that number over the first setting that varies: a line for each value of the
 * second, a panel for each combination of the others. Values of a setting that are no numbers are
 * counted from 0. */
void sweep_chart_lines(const struct sweep_table *table, uint32_t figure, struct chart *chart);

/* A cell for each value of two settings, at the numbers of the values (sweep_table_values); the
 * figure stands in 'low' and 'high'. A panel for each combination of the other settings. */
void sweep_chart_cells(const struct sweep_table *table, uint32_t x_axis, uint32_t y_axis,
                       uint32_t figure, struct chart *chart);

/* The name of an axis, and of its values where asked for, as series of panels of their own ("x" and
 * "columns", or "y" and "rows"): for gnuplot, which has the table alone. */
void sweep_chart_name_axis(const struct sweep_table *table, uint32_t axis, bool is_x,
                           bool with_values, struct chart *chart);

/* "TTFT p99 (ms)". */
void sweep_chart_label(const struct figure *figure, char *label, size_t label_bytes);

#endif
