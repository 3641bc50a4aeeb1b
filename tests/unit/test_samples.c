#include "tests/unit/check.h"

#include "sim/metrics/timeline.h"

static void test_samples_match_numpy(void **state)
{
    (void)state;
    struct samples samples;
    samples_init(&samples);
    assert_true(isnan(samples_quantile(&samples, 0.5)));
    for (int i = 10; i >= 1; i--) {
        samples_add(&samples, i);
    }
    assert_near(samples_quantile(&samples, 0.9), 9.1, 1e-12);
    assert_near(samples_quantile(&samples, 0.5), 5.5, 1e-12);
    samples_add(&samples, 100);
    assert_near(samples_quantile(&samples, 1), 100, 0);
    samples_clear(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_match_numpy),
    };
    return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
