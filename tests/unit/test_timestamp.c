#include "tests/unit/check.h"

#include "traces/timestamp.h"

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {
        {"1970-01-01 00:00:00", 0},
        {"2023-11-16 18:15:46.6805900", 1700158546.68059},
        {"2024-05-10 00:00:00.009930+00:00", 1715299200.00993},
        {"2024-05-10T00:00:00Z", 1715299200},
        {"2024-05-10T02:00:00+02:00", 1715299200},
        {"2024-05-09T18:30:00-0530", 1715299200},
        {"2024-05-10T02:00:00+02", 1715299200},
        {"2024-02-29 12:00:00 UTC", 1709208000},
    };
    static const char *const bad[] = {
        "",
        "2023-02-31 18:15:46",
        "2023-02-29 00:00:00",
        "2023-11-16",
        "2023-11-16 18:15",
        "2023-11-16 18:15:46 PM lol",
        "2023-11-16 18:15:46.",
        "2023-11-16 24:00:00",
        "2023-11-16 18:60:00",
        "2023-13-16 18:15:46",
        "2023-11-16 18:15:46+",
        "2023-11-16 18:15:46+2",
        "2023-11-16 18:15:46+02:99",
        "2023-11-16 18:15:46+99:00",
        "2023-11-16 18:15:46Zx",
        "16.11.2023 18:15:46",
        "1700158546",
        "-023-11-16 18:15:46",
    };
    double seconds = 7;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(timestamp_parse(good[i].text, &seconds));
        assert_near(seconds, good[i].seconds, 1e-6);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (timestamp_parse(bad[i], &seconds)) {
            fail_msg("'%s' was read as %.6f", bad[i], seconds);
        }
    }
}

static void test_units(void **state)
{
    (void)state;
    enum time_unit unit = TIME_UNIT_UNKNOWN;
    struct error error;
    assert_true(time_unit_find("ms", &unit, &error));
    assert_int_equal(unit, TIME_UNIT_MS);
    assert_near(time_unit_seconds(unit), 1e-3, 0);
    assert_false(time_unit_find("min", &unit, &error));
    assert_contains(error.message, "--time-unit must be s, ms, us or ns, got 'min'");
    assert_int_equal(time_unit_of_epoch(1.7e9), TIME_UNIT_S);
    assert_int_equal(time_unit_of_epoch(1.7e12), TIME_UNIT_MS);
    assert_int_equal(time_unit_of_epoch(1.7e15), TIME_UNIT_US);
    assert_int_equal(time_unit_of_epoch(1.7e18), TIME_UNIT_NS);
    assert_int_equal(time_unit_of_epoch(0), TIME_UNIT_UNKNOWN);
    assert_int_equal(time_unit_of_epoch(86400), TIME_UNIT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
