#include "tests/unit/check.h"

#include <math.h>

#include "sim/experiments/goal.h"

static void test_parse(void **state)
{
    (void)state;
    struct goal goal;
    struct error error;
    assert_true(goal_parse("ttft_s.p99<2", &goal, &error));
    assert_string_equal(goal.figure->key, "ttft_s.p99");
    assert_true(goal.is_ceiling);
    assert_near(goal.bound, 2, 0);
    assert_true(goal_parse("itl_s.p99.9 <= 0.05", &goal, &error));
    assert_string_equal(goal.figure->key, "itl_s.p99.9");
    assert_near(goal.bound, 0.05, 0);
    assert_true(goal_parse("attainment>0.99", &goal, &error));
    assert_false(goal.is_ceiling);
}

static void check_error(const char *text, const char *part)
{
    struct goal goal;
    struct error error = {.message = ""};
    assert_false(goal_parse(text, &goal, &error));
    assert_contains(error.message, part);
}

static void test_errors(void **state)
{
    (void)state;
    check_error("ttft_s.p99", "FIGURE<BOUND");
    check_error("<2", "FIGURE<BOUND");
    check_error("ttft_s.p98<2", "did you mean 'ttft_s.p9");
    check_error("ttft_s.p99<fast", "must be a number");
    check_error("ttft_s.p99<-1", "must be a number");
    check_error("percentiles_of_requests<1", "is no number");
}

static void test_miss(void **state)
{
    (void)state;
    const struct goal ceiling = {.is_ceiling = true, .bound = 2};
    const struct goal floor = {.is_ceiling = false, .bound = 0.9};
    const struct goal none = {.is_ceiling = true, .bound = 0};
    assert_near(goal_miss(&ceiling, 1), 0.5, 1e-12);
    assert_near(goal_miss(&ceiling, 6), 3, 1e-12);
    assert_near(goal_miss(&floor, 0.45), 2, 1e-12);
    assert_true(goal_miss(&floor, 0.99) < 1);
    assert_true(goal_miss(&none, 0) < 1);
    assert_true(isinf(goal_miss(&none, 3)));
    assert_true(isinf(goal_miss(&floor, 0)));
    assert_true(isinf(goal_miss(&ceiling, NAN)));
}

static void test_the_worst_counts(void **state)
{
    (void)state;
    const struct option_list texts = {{"makespan_s<10", "ttft_s.p99<1"}, 2};
    static struct run_summary summary;
    struct goal_list list;
    struct error error;
    uint32_t worst = 9;
    assert_true(goal_list_parse(&texts, &list, &error));
    summary.makespan_s = 5;
    summary.latency.ttft_s.p99 = 3;
    assert_near(goal_list_miss(&list, &summary, &worst), 3, 1e-12);
    assert_int_equal(worst, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_miss),
        cmocka_unit_test(test_the_worst_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
