#include "sim/pages/sweep_charts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/pages/page.h"

enum { NAME_BYTES = 512 };

/* "KEY=VALUE KEY=VALUE" of the settings that are not among those two; -1: none. */
static void name_others(const struct sweep_table *table, const struct sweep_table_point *point,
                        uint32_t first, uint32_t second, char name[NAME_BYTES])
{
    name[0] = '\0';
    for (uint32_t a = 0; a < table->axis_count; a++) {
        size_t length = strlen(name);
        if (a != first && a != second) {
            snprintf(name + length, NAME_BYTES - length, "%s%s=%s", length > 0 ? " " : "",
                     table->axes[a], point->settings[a]);
        }
    }
}

static size_t find_series(struct chart *chart, const char *panel, const char *label)
{
    size_t fresh = chart_add_series(chart, panel, label); /* cuts texts as it does for all */
    for (size_t i = 0; i < fresh; i++) {
        if (text_equal(chart->series[i].panel, chart->series[fresh].panel) &&
            text_equal(chart->series[i].label, chart->series[fresh].label)) {
            chart->count--; /* it has no points yet */
            return i;
        }
    }
    return fresh;
}

/* The number of a value among those of its axis. */
static double position_of(const char *const *names, uint32_t count, const char *name)
{
    uint32_t at = 0;
    while (at < count && !text_equal(names[at], name)) {
        at++;
    }
    return at;
}

static int compare_x(const void *a, const void *b)
{
    double first = ((const struct chart_point *)a)->x;
    double second = ((const struct chart_point *)b)->x;
    return (first > second) - (first < second);
}

void sweep_chart_lines(const struct sweep_table *table, uint32_t figure, struct chart *chart)
{
    assert(figure < table->figure_count && table->axis_count > 0);
    const struct figure *shown = table->figures[figure];
    const char **names = NULL;
    uint32_t count = sweep_table_values(table, 0, &names);
    bool is_numeric = sweep_table_is_numeric(table, 0);
    for (size_t i = 0; i < table->count; i++) {
        const struct sweep_table_point *point = &table->points[i];
        const struct interval *interval = &point->figures[figure];
        char panel[NAME_BYTES];
        char label[NAME_BYTES];
        name_others(table, point, 0, 1, panel);
        snprintf(label, sizeof label, "%s", shown->label);
        if (table->axis_count > 1) {
            snprintf(label, sizeof label, "%s=%s", table->axes[1], point->settings[1]);
        }
        chart_add_point(
            chart, find_series(chart, panel, label),
            (struct chart_point){
                is_numeric ? point->numbers[0] : position_of(names, count, point->settings[0]),
                page_shown(shown, interval->mean), page_shown(shown, interval->low),
                page_shown(shown, interval->high)});
    }
    for (size_t s = 0; s < chart->count; s++) {
        qsort(chart->series[s].points, chart->series[s].count, sizeof chart->series[s].points[0],
              compare_x);
    }
    free(names);
}

void sweep_chart_cells(const struct sweep_table *table, uint32_t x_axis, uint32_t y_axis,
                       uint32_t figure, struct chart *chart)
{
    assert(x_axis != y_axis && x_axis < table->axis_count && y_axis < table->axis_count);
    const struct figure *shown = table->figures[figure];
    char label[NAME_BYTES];
    const char **columns = NULL;
    const char **rows = NULL;
    uint32_t column_count = sweep_table_values(table, x_axis, &columns);
    uint32_t row_count = sweep_table_values(table, y_axis, &rows);
    sweep_chart_label(shown, label, sizeof label);
    for (size_t i = 0; i < table->count; i++) {
        const struct sweep_table_point *point = &table->points[i];
        char panel[NAME_BYTES];
        double value = page_shown(shown, point->figures[figure].mean);
        name_others(table, point, x_axis, y_axis, panel);
        chart_add_point(chart, find_series(chart, panel, label),
                        (struct chart_point){
                            position_of(columns, column_count, point->settings[x_axis]),
                            position_of(rows, row_count, point->settings[y_axis]), value, value});
    }
    free(columns);
    free(rows);
}

void sweep_chart_name_axis(const struct sweep_table *table, uint32_t axis, bool is_x,
                           bool with_values, struct chart *chart)
{
    assert(axis < table->axis_count);
    chart_add_xy(chart, chart_add_series(chart, is_x ? "x" : "y", table->axes[axis]), 0, 0);
    if (with_values) {
        const char **names = NULL;
        uint32_t count = sweep_table_values(table, axis, &names);
        for (uint32_t i = 0; i < count; i++) {
            chart_add_xy(chart, chart_add_series(chart, is_x ? "columns" : "rows", names[i]), i, i);
        }
        free(names);
    }
}

void sweep_chart_label(const struct figure *figure, char *label, size_t label_bytes)
{
    const char *unit = page_unit(figure);
    if (unit != NULL && strstr(figure->label, unit) == NULL) {
        snprintf(label, label_bytes, "%s (%s)", figure->label, unit);
    } else {
        snprintf(label, label_bytes, "%s", figure->label);
    }
}
