#include "sim/metrics/figure_interval.h"

#include <math.h>

#include "tests/unit/check.h"

static const struct figure *figure(const char *key)
{
    const struct figure *found = NULL;
    struct error error;
    assert_true(figure_find(key, &found, &error));
    return found;
}

static void test_interval_holds_the_next_run(void **state)
{
    (void)state;
    struct run_summary runs[5] = {{.makespan_s = 9},
                                  {.makespan_s = 11},
                                  {.makespan_s = 10},
                                  {.makespan_s = NAN},
                                  {.makespan_s = 10}};
    struct interval interval = figure_interval(figure("makespan_s"), runs, 5, 0.95);
    assert_near(interval.mean, 10, 1e-12); /* of the runs that have it */
    /* t of 3 degrees of freedom is 3.1824; the deviation is sqrt(2 / 3) */
    assert_near(interval.high - 10, 3.18245 * sqrt(2.0 / 3) * sqrt(1.25), 1e-4);
    assert_near(interval.high - 10, 10 - interval.low, 1e-9);
    struct interval narrow = figure_interval(figure("makespan_s"), runs, 5, 0.5);
    assert_true(narrow.low > interval.low && narrow.high < interval.high);
}

static void test_interval_without_spread_or_values(void **state)
{
    (void)state;
    struct run_summary same[3] = {{.makespan_s = 0.1}, {.makespan_s = 0.1}, {.makespan_s = 0.1}};
    struct interval interval = figure_interval(figure("makespan_s"), same, 3, 0.95);
    assert_true(interval.low <= interval.mean && interval.mean <= interval.high);
    assert_near(interval.high - interval.low, 0, 1e-12);
    struct run_summary none[2] = {{.makespan_s = NAN}, {.makespan_s = NAN}};
    assert_true(isnan(figure_interval(figure("makespan_s"), none, 2, 0.95).mean));
    assert_true(isnan(figure_interval(figure("makespan_s"), same, 0, 0.95).mean));
    assert_true(isnan(figure_interval(figure("makespan_s"), same, 1, 0.95).low));
}

static void test_means(void **state)
{
    (void)state;
    struct run_summary runs[3] = {{.makespan_s = 1, .requests.accuracy = NAN},
                                  {.makespan_s = 2, .requests.accuracy = 0.5},
                                  {.makespan_s = 6, .requests.accuracy = 0.7}};
    for (int i = 0; i < 3; i++) {
        runs[i].latency.percentiles_are_exact = i != 1;
        runs[i].tokens.output = 10 + (uint64_t)i % 2; /* 10, 11, 10: 10.33 */
    }
    struct run_summary means = figure_means(runs, 3);
    assert_near(means.makespan_s, 3, 1e-12);
    assert_near(means.requests.accuracy, 0.6, 1e-12);
    assert_int_equal(means.tokens.output, 10);
    assert_false(means.latency.percentiles_are_exact); /* one that is not, and none is */
    struct run_summary one = figure_means(&runs[2], 1);
    for (const struct figure *row = figure_table; row->key != NULL; row++) {
        double before = figure_value(row, &runs[2]);
        assert_true(isnan(before) ? isnan(figure_value(row, &one))
                                  : fabs(figure_value(row, &one) - before) < 1e-12);
    }
}

static void test_varies(void **state)
{
    (void)state;
    struct run_summary runs[2] = {{.makespan_s = NAN}, {.makespan_s = NAN}};
    assert_false(figure_any_varies(runs, 0));
    assert_false(figure_any_varies(runs, 1));
    assert_false(figure_any_varies(runs, 2)); /* two that are not known are the same */
    runs[1].makespan_s = 1;
    assert_true(figure_any_varies(runs, 2));
    runs[0].makespan_s = 1;
    assert_false(figure_any_varies(runs, 2));
    runs[0].tokens.output++;
    assert_true(figure_any_varies(runs, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_holds_the_next_run),
        cmocka_unit_test(test_interval_without_spread_or_values),
        cmocka_unit_test(test_means),
        cmocka_unit_test(test_varies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
