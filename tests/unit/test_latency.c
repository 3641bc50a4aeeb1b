#include "tests/unit/check.h"

#include "sim/metrics/latency.h"

/* Few durations are exact; beyond the limit the same numbers come within a bucket. */
static void test_latency_turns_coarse(void **state)
{
    (void)state;
    struct latency exact;
    struct latency coarse;
    latency_init(&exact, 5000);
    latency_init(&coarse, 100);
    for (int64_t i = 0; i < 5000; i++) {
        int64_t duration_ps = (i * 7919 % 5000 + 1) * PS_PER_MS;
        latency_add(&exact, duration_ps);
        latency_add(&coarse, duration_ps);
    }
    assert_null(exact.coarse);
    assert_non_null(coarse.coarse);
    struct distribution a = latency_distribution(&exact);
    struct distribution b = latency_distribution(&coarse);
    assert_near(a.p50, 2.5005, 1e-9);
    assert_near(a.mean, 2.5005, 1e-9);
    assert_near(b.mean, a.mean, 0);
    assert_near(b.max, a.max, 0);
    assert_near(b.p50 / a.p50, 1, 0.008);
    assert_near(b.p90 / a.p90, 1, 0.008);
    assert_near(b.p99 / a.p99, 1, 0.008);
    latency_clear(&exact);
    latency_clear(&coarse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency_turns_coarse),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
