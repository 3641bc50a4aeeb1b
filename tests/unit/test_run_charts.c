#include "sim/report/run_charts.h"

#include <math.h>

#include "tests/unit/check.h"
#include "tests/unit/result_folder.h"

enum { REQUESTS = 1000, LONG_AT = 777 };

#define INTERVALS                                                                                  \
    ", \"replications\": {\"intervals\": {\"e2e_s\": {\"p50\": {\"mean\": 2, \"low\": 1, "         \
    "\"high\": 3}}}}"

static void read_run(struct run_curves *curves, const char *further)
{
    struct error error;
    const char *folder = result_folder_create();
    result_folder_write_timeline(folder, 50, 20);
    result_folder_write_requests(folder, REQUESTS, LONG_AT);
    FILE *summary = result_folder_open(folder, "summary.json");
    fprintf(summary,
            "{\"scenario\": {\"name\": \"mine\"}, \"results\": {\"waiting\": {\"peak\": 99}, "
            "\"running\": {\"peak\": 0}}%s}",
            further);
    fclose(summary);
    assert_true(run_curves_read(curves, folder, &error));
    result_folder_remove(folder);
}

/* The legend tells the peak of the run, which no sample may have hit; one of 0 is "none". */
static void test_peaks(void **state)
{
    (void)state;
    struct run_curves run;
    struct chart chart = {.series = NULL};
    read_run(&run, "");
    run_chart_running_waiting(&run, 1, &chart);
    assert_int_equal(chart.count, 2);
    assert_string_equal(chart.series[0].label, "running (none)");
    assert_string_equal(chart.series[1].label, "waiting (peak 99)");
    chart_clear(&chart);
    run_curves_clear(&run);
}

/* One in N is drawn, the longest whatever its number, and each request once. */
static void test_stragglers(void **state)
{
    (void)state;
    struct run_curves run;
    struct chart chart = {.series = NULL};
    read_run(&run, "");
    run_chart_stragglers(&run, 1, &chart);
    assert_int_equal(chart.count, 3);
    assert_string_equal(chart.series[0].panel, "request (one in 3 and the 100 longest)");
    const struct chart_series *first = &chart.series[0];
    assert_in_range(first->count, 400, 500);
    bool found = false;
    for (size_t i = 0; i < first->count; i++) {
        assert_true(i == 0 || first->points[i].y > first->points[i - 1].y);
        found = found || (int)first->points[i].y == LONG_AT;
        assert_near(first->points[i].high - first->points[i].low, 0.25, 1e-9);
    }
    assert_true(found);
    chart_clear(&chart);
    run_curves_clear(&run);
}

static void test_distribution(void **state)
{
    (void)state;
    struct run_curves run;
    struct chart chart = {.series = NULL};
    read_run(&run, INTERVALS);
    run_chart_latency_cdf(&run, 1, &chart);
    const struct chart_series *ttft = &chart.series[0];
    assert_string_equal(ttft->panel, "time to first token (ms)");
    assert_near(ttft->points[0].x, 250, 1e-9);
    assert_near(ttft->points[ttft->count - 1].y, 100, 0);
    const struct chart_series *e2e = &chart.series[chart.count - 2];
    const struct chart_series *intervals = &chart.series[chart.count - 1];
    assert_string_equal(e2e->panel, "end to end (s)");
    assert_near(e2e->points[e2e->count - 1].x, 500, 1e-9);
    for (size_t i = 1; i < e2e->count; i++) {
        assert_true(e2e->points[i].x >= e2e->points[i - 1].x);
        assert_true(e2e->points[i].y > e2e->points[i - 1].y);
    }
    assert_string_equal(intervals->label, e2e->label);
    assert_near(intervals->points[0].y, 50, 0);
    assert_near(intervals->points[0].high, 3, 0);
    chart_clear(&chart);
    run_curves_clear(&run);
}

/* Several runs: each is named, and what cannot share axes has a panel of its own. */
static void test_several(void **state)
{
    (void)state;
    struct run_curves runs[2];
    struct chart chart = {.series = NULL};
    read_run(&runs[0], "");
    read_run(&runs[1], "");
    snprintf(runs[1].label, sizeof runs[1].label, "other");
    run_chart_kv_utilization(runs, 2, &chart);
    assert_int_equal(chart.count, 2);
    assert_string_equal(chart.series[1].label, "other: KV cache in use");
    chart_clear(&chart);
    run_chart_difficulty(runs, 2, &chart);
    assert_int_equal(chart.count, 4);
    assert_string_equal(chart.series[2].panel, "other");
    assert_string_equal(chart.series[2].label, "even");
    chart_clear(&chart);
    run_chart_contrast(runs, 2, &chart);
    assert_int_equal(chart.count, 0);
    chart_clear(&chart);
    run_curves_clear(&runs[0]);
    run_curves_clear(&runs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peaks),
        cmocka_unit_test(test_stragglers),
        cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
