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

static void test_numbers_are_decimal(void **state)
{
    (void)state;
    static const char *const bad[] = {" 5",  "5 ",  "0x10",   "0x1p3", "1e400", "1e-400",
                                      "+",   "-",   "e5",     "1e",    "1.2.3", "infinity",
                                      "1,5", "INF", "NAN(1)", "5\n"};
    double value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_to_double(bad[i], &value));
        assert_false(text_to_whole(bad[i], 1e9, &value));
    }
    assert_near(value, 7, 0);
    assert_true(text_to_double("+1.5E+2", &value));
    assert_near(value, 150, 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "tab\tline\r\n"};
    static const char *const bad[] = {
        "\xff",     "\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80",        "\xf4\x90\x80\x80",
        "\xe2\x82", "\x80", "\x01",  "\x7f",     "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(text_is_utf8(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_is_utf8(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_strict_numbers),
        cmocka_unit_test(test_numbers_are_decimal),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
