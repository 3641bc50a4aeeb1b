#include "tests/unit/check.h"

#include "sim/base/text.h"

static void test_nearest_name(void **state)
{
    (void)state;
    static const char *const names[] = {"max_batch_tokens", "max_batch_requests", "seed", NULL};
    assert_string_equal(text_nearest("max_batch_token", names), "max_batch_tokens");
    assert_string_equal(text_nearest("sed", names), "seed");
    assert_null(text_nearest("zzzz", names));
}

static void test_strict_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "1x", "nan", "inf", "1e999", " ", "0x"};
    double value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_to_double(bad[i], &value));
    }
    assert_near(value, 7, 0);
    assert_true(text_to_double("-2.5e3", &value));
    assert_near(value, -2500, 0);
    assert_false(text_to_whole("1.5", 10, &value));
    assert_false(text_to_whole("11", 10, &value));
    assert_true(text_to_whole("10", 10, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_strict_numbers),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
