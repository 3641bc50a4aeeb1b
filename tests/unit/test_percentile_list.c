#include "tests/unit/check.h"

#include "sim/metrics/percentile_list.h"

static void test_parse(void **state)
{
    (void)state;
    struct percentile_list list;
    struct error error;
    assert_true(percentile_list_parse("99.9,50,95,50", &list, &error));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.names[0], "p50");
    assert_string_equal(list.names[2], "p99.9");
    assert_true(percentile_list_has(&list, "ttft_s.p99.9"));
    assert_true(percentile_list_has(&list, "e2e_s.p95"));
    assert_false(percentile_list_has(&list, "e2e_s.p99"));
    assert_false(percentile_list_has(&list, "accuracy"));
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "50,", "98", "50;90", "p50", "50,,90", "99.99999999999999"};
    struct percentile_list list;
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(percentile_list_parse(bad[i], &list, &error));
        assert_contains(error.message, "'metrics.percentiles' must be a list of 50, 90, 95, 99");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
