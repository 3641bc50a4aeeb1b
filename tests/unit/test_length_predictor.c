/* Predicted lengths: from nothing but the budget to the truth. */
#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/scheduling/length_predictor.h"

static struct length_history history;

static double predict(const char *text, struct length_facts facts)
{
    struct length_predictor predictor;
    struct error error;
    assert_true(length_predictor_parse(text, &predictor, &error));
    return length_predictor_total(&predictor, &history, &facts);
}

static void check_fault(const char *text, const char *message)
{
    struct length_predictor predictor;
    struct error error;
    assert_false(length_predictor_parse(text, &predictor, &error));
    assert_contains(error.message, message);
}

static void test_kinds(void **state)
{
    (void)state;
    const struct length_facts facts = {.max_output_tokens = 900, .true_tokens = 300};
    assert_near(predict("budget", facts), 900, 1e-12);
    assert_near(predict("mean", facts), 900, 1e-12); /* nothing has finished yet */
    length_history_add(&history, 0, 4);
    length_history_add(&history, 0, 8);
    assert_near(predict("oracle", facts), 300, 1e-12);
    assert_near(predict("mean", facts), 6, 1e-12);
    assert_near(predict("quantile:1", facts), 8, 1e-12);
    assert_near(predict("buckets:1", facts), 256 * sqrt(2), 1e-9);
}

/* Never fewer tokens than there are, never more than the budget. */
static void test_bounds(void **state)
{
    (void)state;
    const struct length_facts facts = {
        .max_output_tokens = 9, .true_tokens = 8, .so_far_tokens = 6};
    assert_near(predict("mean", facts), 7, 1e-12);
    assert_near(predict("hazard", facts), 8, 1e-12);
    assert_near(predict("buckets:1", facts), 9, 1e-12);
}

/* Errors of an oracle are as stated, and a request's own for the whole run. */
static void test_errors(void **state)
{
    (void)state;
    enum { REQUESTS = 4000 };
    double logs = 0;
    double squares = 0;
    uint32_t correct = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const struct length_facts facts = {
            .key = random_bits_at(7, i), .max_output_tokens = 10000000, .true_tokens = 1000};
        double off = log(predict("oracle:0.5", facts) / 1000);
        assert_near(off, log(predict("oracle:0.5", facts) / 1000), 1e-12);
        logs += off;
        squares += off * off;
        correct += fabs(predict("buckets:0.7", facts) - 512 * sqrt(2)) < 1e-6;
    }
    assert_near(logs / REQUESTS, 0, 0.03);
    assert_near(sqrt(squares / REQUESTS), 0.5, 0.02);
    assert_near((double)correct / REQUESTS, 0.7, 0.03);
}

static void test_faults(void **state)
{
    (void)state;
    check_fault("orcale", "did you mean 'oracle'");
    check_fault("mean:3", "'mean' takes no number, got '3'");
    check_fault("quantile:1.5", "the number of 'quantile' must be from 0 to 1, got '1.5'");
    check_fault("quantile:", "got ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_faults),
    };
    int failed = cmocka_run_group_tests_name("length_predictor", tests, NULL, NULL);
    length_history_clear(&history);
    return failed;
}
