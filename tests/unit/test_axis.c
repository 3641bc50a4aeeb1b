#include "tests/unit/check.h"

#include "sim/experiments/axis.h"

static void check_values(const char *text, const char *expected)
{
    struct axis axis;
    struct error error = {.message = ""};
    char found[512] = "";
    if (!axis_parse("--vary", text, &axis, &error)) {
        fail_msg("%s", error.message);
    }
    for (uint32_t i = 0; i < axis.count; i++) {
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s%s", i > 0 ? " " : "", axis.values[i]);
    }
    assert_string_equal(found, expected);
    axis_clear(&axis);
}

static void check_error(const char *text, const char *part)
{
    struct axis axis;
    struct error error = {.message = ""};
    assert_false(axis_parse("--vary", text, &axis, &error));
    assert_contains(error.message, part);
    assert_contains(error.message, "--vary");
    axis_clear(&axis);
}

static void test_lists(void **state)
{
    (void)state;
    check_values("workload.rate_per_s=1,2.5,4", "1 2.5 4");
    check_values("model.weights=bf16", "bf16");
    check_values("workload.datasets=gsm8k:4,math-500:1;aime-2024", "gsm8k:4,math-500:1 aime-2024");
    check_values("workload.trace=../a.csv,../b.csv", "../a.csv ../b.csv");
}

static void test_ranges(void **state)
{
    (void)state;
    check_values("engine.instances=1..5", "1 2 3 4 5");
    check_values("engine.instances=1..16:log", "1 2 4 8 16");
    check_values("engine.instances=1..12:log", "1 2 4 8 12");
    check_values("workload.rate_per_s=1..2:5", "1 1.25 1.5 1.75 2");
    check_values("workload.rate_per_s=0.01..100:5:log", "0.01 0.1 1 10 100");
    check_values("workload.rate_per_s=0.01..100:5|log", "0.01 0.1 1 10 100");
    check_values("engine.instances=1..3:9", "1 2 3"); /* no whole number twice */
}

static void test_errors(void **state)
{
    (void)state;
    check_error("workload.rate_per_s", "expected KEY=VALUES");
    check_error("=1,2", "expected KEY=VALUES");
    check_error("workload.rate_per_s=", "expected KEY=VALUES");
    check_error("workload.rate=1,2", "'workload.rate'");
    check_error("workload.rate_per_s=1,fast", "workload.rate_per_s");
    check_error("workload.rate_per_s=1,2,1", "'1' stands twice");
    check_error("workload.rate_per_s=2..1:3", "a range that rises");
    check_error("workload.rate_per_s=0..1:3:log", "above 0");
    check_error("workload.rate_per_s=1..2", "say how many values");
    check_error("workload.rate_per_s=1..2:1", "LOW..HIGH");
    check_error("workload.rate_per_s=1..2:3:lin", "LOW..HIGH");
    check_error("workload.rate_per_s=1..two:3", "LOW..HIGH");
    check_error("engine.instances=1.5..4:3", "whole numbers");
    check_error("engine.instances=0..4", "engine.instances");
}

static void test_values_between(void **state)
{
    (void)state;
    struct axis axis;
    struct error error;
    char text[64];
    assert_true(axis_parse("--vary", "workload.rate_per_s=1..100:2:log", &axis, &error));
    axis_value_at(&axis, 0.5, text, sizeof text);
    assert_string_equal(text, "10");
    axis_clear(&axis);
    assert_true(axis_parse("--vary", "model.weights=bf16,fp8", &axis, &error));
    axis_value_at(&axis, 0.49, text, sizeof text);
    assert_string_equal(text, "bf16");
    axis_value_at(&axis, 0.51, text, sizeof text);
    assert_string_equal(text, "fp8");
    axis_clear(&axis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_values_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
