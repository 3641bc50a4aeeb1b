#include "tests/unit/check.h"

#include <math.h>
#include <stdio.h>

#include "sim/base/units.h"
#include "sim/cluster/outages.h"

static struct outage_settings listed(const char *failures, const char *drains)
{
    struct outage_settings settings = {.failure_shape = 1, .repair_s = 2};
    snprintf(settings.failures, sizeof settings.failures, "%s", failures);
    snprintf(settings.drains, sizeof settings.drains, "%s", drains);
    return settings;
}

static void test_lists_are_read(void **state)
{
    (void)state;
    struct outage_settings settings = listed("1:20:30,3:0.5:1", "2:7:0.25");
    struct outage_list list;
    struct error error;
    assert_true(outage_settings_check(&settings, 3, &error));
    outage_list_init(&list, &settings);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.outages[1].instance, 2);
    assert_true(list.outages[1].from_ps == PS_PER_S / 2 && list.outages[1].for_ps == PS_PER_S);
    assert_true(list.outages[1].ends_requests && !list.outages[2].ends_requests);
    outage_list_clear(&list);
}

static void test_faults_are_told(void **state)
{
    (void)state;
    static const char *const faults[] = {"1",       "0:1:1",  "1.5:1:1", "1:-1:1",
                                         "1:1:0",   "1:1:1,", "1:1:1;",  "1:1:1,2",
                                         "1:nan:1", "a:1:1",  "1:1:inf", ",1:1:1"};
    struct error error;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct outage_settings settings = listed(faults[i], "");
        assert_false(outage_settings_check(&settings, 3, &error));
        assert_contains(error.message, "'cluster.failures' must be INSTANCE:FROM_S:FOR_S");
    }
    struct outage_settings settings = listed("", "4:1:1");
    assert_false(outage_settings_check(&settings, 3, &error));
    assert_contains(error.message, "'cluster.drains' names instance 4, but there are only 3");
}

/* Means of Weibull and exponential times, and the share below the mean, 1 - exp(-gamma(1 + 1/k)^k).
 */
static void test_failures_by_chance_have_their_distribution(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    static const double shapes[] = {1, 2, 0.7};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct outage_settings settings = {
            .failure_mean_s = 10, .failure_shape = shapes[s], .repair_s = 2};
        double sum_s = 0;
        uint32_t below = 0;
        for (uint32_t i = 0; i < DRAWS; i++) {
            struct outage outage = outage_draw(&settings, 1, 3, i, PS_PER_S);
            double after_s = s_from_ps(outage.from_ps) - 1;
            assert_int_equal(outage.instance, 3);
            assert_true(outage.ends_requests && outage.for_ps == 2 * PS_PER_S);
            sum_s += after_s;
            below += after_s < 10;
        }
        double expected = 1 - exp(-pow(tgamma(1 + 1 / shapes[s]), shapes[s]));
        assert_near(sum_s / DRAWS, 10, 0.5);
        assert_near((double)below / DRAWS, expected, 0.015);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_read),
        cmocka_unit_test(test_faults_are_told),
        cmocka_unit_test(test_failures_by_chance_have_their_distribution),
    };
    return cmocka_run_group_tests_name("outages", tests, NULL, NULL);
}
