#include "tests/unit/check.h"

#include "sim/base/units.h"
#include "sim/cluster/autoscaler.h"

static const struct autoscaler_settings settings = {.rule = SCALING_REQUESTS,
                                                    .target = 10,
                                                    .minimum = 2,
                                                    .interval_ps = PS_PER_S,
                                                    .cool_down_ps = 5 * PS_PER_S};

static void test_more_are_started_at_once(void **state)
{
    (void)state;
    struct autoscaler autoscaler;
    autoscaler_init(&autoscaler, &settings);
    assert_int_equal(autoscaler_wanted(&autoscaler, 2, 8, 10, 0), 2);
    assert_int_equal(autoscaler_wanted(&autoscaler, 2, 8, 10.9, 0), 2); /* within a tenth */
    assert_int_equal(autoscaler_wanted(&autoscaler, 2, 8, 25, 0), 5);
    assert_int_equal(autoscaler_wanted(&autoscaler, 2, 8, 1000, 0), 8);
    assert_int_equal(autoscaler_wanted(&autoscaler, 0, 8, 0, 0), 2);
    assert_int_equal(autoscaler_wanted(&autoscaler, 1, 1, 0, 0), 1);
}

static void test_fewer_must_suffice_for_a_while(void **state)
{
    (void)state;
    struct autoscaler autoscaler;
    autoscaler_init(&autoscaler, &settings);
    assert_int_equal(autoscaler_wanted(&autoscaler, 8, 8, 2, 0), 8);
    assert_int_equal(autoscaler_wanted(&autoscaler, 8, 8, 6, 2 * PS_PER_S), 8);
    assert_int_equal(autoscaler_wanted(&autoscaler, 8, 8, 1, 5 * PS_PER_S), 5);
    assert_int_equal(autoscaler_wanted(&autoscaler, 5, 8, 1, 6 * PS_PER_S), 5);
    assert_int_equal(autoscaler_wanted(&autoscaler, 5, 8, 10, 8 * PS_PER_S), 5); /* needed again */
    assert_int_equal(autoscaler_wanted(&autoscaler, 5, 8, 1, 12 * PS_PER_S), 5);
    assert_int_equal(autoscaler_wanted(&autoscaler, 5, 8, 1, 17 * PS_PER_S), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_are_started_at_once),
        cmocka_unit_test(test_fewer_must_suffice_for_a_while),
    };
    return cmocka_run_group_tests_name("autoscaler", tests, NULL, NULL);
}
