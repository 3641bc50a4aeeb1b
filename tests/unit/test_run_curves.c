#include "sim/report/run_curves.h"

#include <math.h>
#include <sys/stat.h>

#include "tests/unit/check.h"
#include "tests/unit/result_folder.h"

static void test_nothing(void **state)
{
    (void)state;
    struct run_curves curves;
    struct error error;
    const char *folder = result_folder_create();
    assert_true(run_curves_read(&curves, folder, &error));
    assert_int_equal(curves.timeline.count, 0);
    assert_int_equal(curves.requests.count, 0);
    assert_true(isnan(curves.waiting_peak));
    assert_string_equal(curves.label, folder);
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

/* Neighbours are joined, and the largest of each is kept: no peak gets lost. */
static void test_long_timeline(void **state)
{
    (void)state;
    enum { ROWS = 10 * RUN_CURVES_MAX_SAMPLES + 3, PEAK_AT = 12345 };
    struct run_curves curves;
    struct error error;
    const char *folder = result_folder_create();
    result_folder_write_timeline(folder, ROWS, PEAK_AT);
    assert_true(run_curves_read(&curves, folder, &error));
    assert_in_range(curves.timeline.count, RUN_CURVES_MAX_SAMPLES / 2, RUN_CURVES_MAX_SAMPLES);
    double peak = 0;
    for (size_t i = 0; i < curves.timeline.count; i++) {
        peak = fmax(peak, curves.timeline.samples[i].waiting);
        assert_true(i == 0 ||
                    curves.timeline.samples[i].time_s > curves.timeline.samples[i - 1].time_s);
    }
    assert_near(peak, 47, 0);
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

/* Many requests are thinned, and the longest are kept whichever they are. */
static void test_many_requests(void **state)
{
    (void)state;
    enum { ROWS = 3 * RUN_CURVES_MAX_REQUESTS + 1, LONG_AT = 4099 };
    struct run_curves curves;
    struct error error;
    const char *folder = result_folder_create();
    result_folder_write_requests(folder, ROWS, LONG_AT);
    assert_true(run_curves_read(&curves, folder, &error));
    const struct curve_requests *requests = &curves.requests;
    assert_int_equal(requests->finished, ROWS);
    assert_int_equal(requests->stride, 4);
    assert_int_equal(requests->count, ROWS / 4 + 1);
    for (size_t i = 0; i < requests->count; i++) {
        assert_int_equal(requests->spread[i].request_id, 4 * i);
    }
    assert_int_equal(requests->longest_count, RUN_CURVES_LONGEST);
    assert_int_equal(requests->longest[0].request_id, LONG_AT);
    assert_int_equal(curves.latencies[CURVE_E2E].count, ROWS);
    assert_int_equal(requests->dataset_count, 2);
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

static void test_summary(void **state)
{
    (void)state;
    struct run_curves curves;
    struct error error;
    const char *folder = result_folder_create();
    result_folder_write(
        folder, "summary.json",
        "{\"scenario\": {\"name\": \"mine\"}, \"results\": {\"waiting\": {\"peak\": 47}},"
        "\"replications\": {\"intervals\": {\"ttft_s\": {\"mean\": {\"mean\": 1},"
        "\"p50\": {\"mean\": 2, \"low\": 1, \"high\": 3},"
        "\"p99.9\": {\"mean\": 5, \"low\": 4, \"high\": 9}}}}}");
    assert_true(run_curves_read(&curves, folder, &error));
    assert_string_equal(curves.label, "mine");
    assert_true(isnan(curves.waiting_peak)); /* it is the mean of several runs */
    assert_int_equal(curves.percentile_count[CURVE_TTFT], 2);
    assert_near(curves.percentiles[CURVE_TTFT][1].percent, 99.9, 0);
    assert_near(curves.percentiles[CURVE_TTFT][1].interval.high, 9, 0);
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

static void check_refused(const char *name, const char *text, const char *message)
{
    struct run_curves curves;
    struct error error;
    const char *folder = result_folder_create();
    result_folder_write(folder, name, text);
    assert_false(run_curves_read(&curves, folder, &error));
    assert_contains(error.message, message);
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

static void test_errors(void **state)
{
    (void)state;
    check_refused("timeline.csv", "time_s,running\n1,2\n", "kv_utilization");
    check_refused("timeline.csv", "time_s,kv_utilization,running,waiting\n1,x,2,3\n",
                  "timeline.csv:2: 'kv_utilization' must be a number");
    check_refused("summary.json", "[]", "expected an object");
    struct run_curves curves;
    struct error error;
    char path[256];
    const char *folder = result_folder_create();
    snprintf(path, sizeof path, "%s/requests.csv", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(run_curves_read(&curves, folder, &error));
    assert_contains(error.message, "expected a regular file");
    run_curves_clear(&curves);
    result_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),       cmocka_unit_test(test_long_timeline),
        cmocka_unit_test(test_many_requests), cmocka_unit_test(test_summary),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
