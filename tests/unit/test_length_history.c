/* What a server learns of lengths from the answers that have finished. */
#include "tests/unit/check.h"

#include <math.h>

#include "sim/scheduling/length_history.h"

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    struct length_history history = {.count = 0};
    assert_true(isnan(length_history_mean(&history, 0, 0)));
    assert_true(isnan(length_history_quantile(&history, 3, 0, 0.5)));
    length_history_clear(&history);
}

/* A dataset by its own answers; one that has none by all. */
static void test_means_and_quantiles(void **state)
{
    (void)state;
    struct length_history history = {.count = 0};
    for (uint32_t i = 1; i <= 10; i++) {
        length_history_add(&history, 2, i);
        length_history_add(&history, 4, 1000 * i);
    }
    assert_near(length_history_mean(&history, 2, 0), 5.5, 1e-12);
    assert_near(length_history_mean(&history, 4, 0), 5500, 1e-12);
    assert_near(length_history_mean(&history, 0, 0), (5.5 + 5500) / 2, 1e-12);
    assert_near(length_history_quantile(&history, 2, 0, 0.9), 9, 1e-12);
    assert_near(length_history_quantile(&history, 2, 0, 0), 1, 1e-12);
    assert_near(length_history_quantile(&history, 2, 0, 1), 10, 1e-12);
    length_history_clear(&history);
}

/* Of those that were longer than a request is so far. */
static void test_what_is_left(void **state)
{
    (void)state;
    struct length_history history = {.count = 0};
    for (uint32_t i = 1; i <= 10; i++) {
        length_history_add(&history, 0, i);
    }
    assert_near(length_history_mean(&history, 0, 8), 9.5, 1e-12);
    assert_near(length_history_quantile(&history, 0, 4, 0.5), 7, 1e-12);
    assert_true(isnan(length_history_mean(&history, 0, 10)));
    length_history_add(&history, 0, UINT32_MAX);
    assert_near(length_history_mean(&history, 0, 10), UINT32_MAX, 1);
    length_history_clear(&history);
}

static void test_copy(void **state)
{
    (void)state;
    struct length_history history = {.count = 0};
    struct length_history copy = {.count = 0};
    length_history_copy(&copy, &history);
    length_history_add(&history, 1, 12);
    length_history_copy(&copy, &history);
    length_history_add(&copy, 1, 14);
    assert_near(length_history_mean(&copy, 1, 0), 13, 1e-12);
    assert_near(length_history_mean(&history, 1, 0), 12, 1e-12);
    length_history_clear(&history);
    length_history_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_means_and_quantiles),
        cmocka_unit_test(test_what_is_left),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests_name("length_history", tests, NULL, NULL);
}
