#include "sim/pages/sweep_charts.h"

#include <math.h>

#include "tests/unit/check.h"

enum { POINTS = 4 };

/* Two rates by two weights, of which the first rate of the points is the larger. */
static struct sweep_table make_table(struct sweep_table_point points[POINTS])
{
    struct error error;
    struct sweep_table table = {.axes = {"workload.rate_per_s", "model.weights"},
                                .axis_count = 2,
                                .figure_count = 1,
                                .points = points,
                                .count = POINTS};
    assert_true(figure_find("ttft_s.p99", &table.figures[0], &error));
    for (uint32_t i = 0; i < POINTS; i++) {
        points[i] = (struct sweep_table_point){.point = i, .numbers = {i < 2 ? 16 : 4, NAN}};
        snprintf(points[i].settings[0], sizeof points[i].settings[0], "%s", i < 2 ? "16" : "4");
        snprintf(points[i].settings[1], sizeof points[i].settings[1], "%s",
                 i % 2 == 0 ? "fp8" : "bf16");
        points[i].figures[0] = (struct interval){0.001 * i, 0.0005 * i, 0.002 * i};
    }
    return table;
}

static void test_lines(void **state)
{
    (void)state;
    struct sweep_table_point points[POINTS];
    struct sweep_table table = make_table(points);
    struct chart chart = {.series = NULL};
    sweep_chart_lines(&table, 0, &chart);
    assert_int_equal(chart.count, 2);
    assert_string_equal(chart.series[0].label, "model.weights=fp8");
    assert_int_equal(chart.series[0].count, 2);
    assert_near(chart.series[0].points[0].x, 4, 0); /* rising, whatever the order of points */
    assert_near(chart.series[0].points[0].y, 2, 1e-9);
    assert_near(chart.series[0].points[0].high, 4, 1e-9);
    chart_clear(&chart);
}

static void test_cells(void **state)
{
    (void)state;
    struct sweep_table_point points[POINTS];
    struct sweep_table table = make_table(points);
    struct chart chart = {.series = NULL};
    sweep_chart_cells(&table, 0, 1, 0, &chart);
    assert_int_equal(chart.count, 1);
    assert_string_equal(chart.series[0].label, "TTFT p99 (ms)");
    assert_near(chart.series[0].points[3].x, 0, 0); /* 4 is the first of the rates */
    assert_near(chart.series[0].points[3].y, 1, 0); /* bf16 the second of the weights */
    assert_near(chart.series[0].points[3].low, 3, 1e-9);
    sweep_chart_name_axis(&table, 0, true, true, &chart);
    assert_string_equal(chart.series[1].label, "workload.rate_per_s");
    assert_string_equal(chart.series[2].panel, "columns");
    assert_string_equal(chart.series[2].label, "4");
    chart_clear(&chart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
