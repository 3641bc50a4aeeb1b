#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/metrics/interval.h"
#include "sim/metrics/timeline.h"

/* Of normal numbers, 19 in 20 next ones lie inside; few values, NAN or wide. */
static void test_prediction_intervals(void **state)
{
    (void)state;
    uint64_t key = random_key(1, "intervals");
    uint32_t inside = 0;
    for (uint32_t trial = 0; trial < 2000; trial++) {
        double values[8];
        for (uint32_t i = 0; i < 8; i++) {
            values[i] = 10 + random_normal_at(key, trial * 9 + i);
        }
        struct interval interval = interval_predict(values, 8, 0.95);
        double next = 10 + random_normal_at(key, trial * 9 + 8);
        inside += next >= interval.low && next <= interval.high;
    }
    assert_near(inside / 2000.0, 0.95, 0.015);
    double one[] = {3};
    assert_true(isnan(interval_predict(one, 1, 0.95).low));
    double counts[] = {0, 0, 1};
    assert_near(interval_predict(counts, 3, 0.95).low, 0, 0);
}

static void test_skewed_values_use_their_quantiles(void **state)
{
    (void)state;
    double values[40];
    for (int i = 0; i < 40; i++) {
        values[i] = i < 38 ? 1 : 1000;
    }
    assert_near(interval_predict(values, 40, 0.9).low, 1, 0);
}

/* 15 of 30 and 0 of 10, by the formula of Wilson (1927) worked out apart. */
static void test_share(void **state)
{
    (void)state;
    struct interval half = interval_share(15, 30);
    assert_near(half.mean, 0.5, 0);
    assert_near(half.low, 0.3315413, 1e-6);
    assert_near(half.high, 0.6684587, 1e-6);
    struct interval none = interval_share(0, 10);
    assert_near(none.low, 0, 1e-12);
    assert_near(none.high, 0.2775328, 1e-6);
    assert_true(isnan(interval_share(0, 0).mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prediction_intervals),
        cmocka_unit_test(test_skewed_values_use_their_quantiles),
        cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
