#include "sim/scenario/run_price.h"

#include <math.h>

#include "sim/scenario/scenario_file.h"
#include "tests/unit/check.h"

/* Resolved from the default scenario, on GPUs that cost 2 to 4 USD an hour. */
static struct deployment deployment_of(uint32_t instances, double low, double high)
{
    struct scenario scenario;
    struct deployment deployment;
    struct error error;
    char assignment[64];
    snprintf(assignment, sizeof assignment, "engine.instances=%u", instances);
    const struct option_list assignments = {{assignment}, 1};
    assert_true(scenario_file_read(&scenario, NULL, &assignments, NULL, &error));
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    deployment.gpu.price_low_usd_per_hour = low;
    deployment.gpu.price_high_usd_per_hour = high;
    return deployment;
}

static void test_price(void **state)
{
    (void)state;
    struct deployment deployment = deployment_of(3, 2, 4);
    struct run_summary summary = {
        .makespan_s = 1200, .tokens.output = 500000, .requests = {.correct = 8, .graded = 10}};
    struct run_price price = run_price_of(&deployment, NULL, &summary);
    assert_int_equal(price.gpus, 3);
    assert_near(price.gpu_s, 3600, 1e-9);
    assert_near(price.usd_low, 2, 1e-9);
    assert_near(price.usd_high, 4, 1e-9);
    assert_near(price.usd_per_million_tokens_low, 4, 1e-9);
    assert_near(price.usd_per_million_tokens_high, 8, 1e-9);
    assert_near(price.usd_per_right_answer_high, 0.5, 1e-9);
    assert_near(price.right_per_gpu_s, 8 / 3600.0, 1e-12);
    assert_near(price.usd_per_hour, 9, 1e-9);
    assert_near(price.usd_per_month_low, 730 * 3 * 2, 1e-6);
    assert_near(price.usd_per_month_high, 730 * 3 * 4, 1e-6);
}

/* What is not known, or is divided by nothing, is NAN and never 0. */
static void test_unknown(void **state)
{
    (void)state;
    struct deployment deployment = deployment_of(1, 0, 0);
    struct run_summary summary = {.makespan_s = 10, .tokens.output = 100};
    struct run_price price = run_price_of(&deployment, NULL, &summary);
    assert_true(isnan(price.usd_low) && isnan(price.usd_high) && isnan(price.usd_per_hour));
    assert_true(isnan(price.usd_per_month_low) && isnan(price.usd_per_gpu_hour_high));
    assert_true(isnan(price.usd_per_million_tokens_low) && isnan(price.right_per_gpu_s));
    assert_near(price.gpu_s, 10, 1e-12);
    deployment = deployment_of(1, 2, 4);
    summary.tokens.output = 0;
    price = run_price_of(&deployment, NULL, &summary);
    assert_true(isnan(price.usd_per_million_tokens_low));
    assert_true(isnan(price.usd_per_right_answer_low)); /* none is right */
    summary.requests.graded = 5;
    assert_near(run_price_of(&deployment, NULL, &summary).right_per_gpu_s, 0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_price),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
