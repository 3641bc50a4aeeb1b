#include "tests/unit/check.h"

#include "calibration/client_fit.h"
#include "sim/base/units.h"

/* Bursts of two prompts: the first is in the engine 2 ms after it was sent, and woken 3 ms later.
 */
static void test_burst_tells_travel_and_wake(void **state)
{
    (void)state;
    struct measured_request requests[] = {{.prompt_tokens = 10, .sent_s = 1.000},
                                          {.prompt_tokens = 10, .sent_s = 1.006}};
    struct measured_step steps[5] = {
        {.schedule_s = 1.005, .prefill_requests = 1, .prefill_tokens = 10}};
    struct measured_job job = {.is_sweep = true, .request_count = 2, .step_count = 5};
    const struct measured_run run = {
        .jobs = &job, .job_count = 1, .requests = requests, .steps = steps};
    struct step_cost cost = step_cost_constant(1000);
    client_fit(&run, &cost);
    assert_near((double)cost.host.request_overhead_ps, 2 * (double)PS_PER_MS, 1e3);
    assert_near((double)cost.host.idle_start_ps, 3 * (double)PS_PER_MS, 1e3);
    assert_near(cost.spread.idle_start, 0, 1e-6);
    assert_int_equal(cost.host.output_overhead_ps, 0);
}

/* A lone request: its first token comes after the pass that took its output in. */
static void test_lone_request_tells_the_output(void **state)
{
    (void)state;
    struct measured_request request = {
        .prompt_tokens = 10, .sent_s = 1.000, .first_token_s = 1.0215};
    struct measured_step steps[4] = {{.schedule_s = 1.004, .prefill_requests = 1},
                                     {.schedule_s = 1.005, .decode_requests = 1},
                                     {.schedule_s = 1.020, .decode_requests = 1},
                                     {.schedule_s = 1.030, .decode_requests = 1}};
    struct measured_job job = {.is_sweep = true, .request_count = 1, .step_count = 4};
    const struct measured_run run = {
        .jobs = &job, .job_count = 1, .requests = &request, .steps = steps};
    struct step_cost cost = step_cost_constant(1000);
    client_fit(&run, &cost);
    assert_near((double)cost.host.output_overhead_ps, 1.5 * (double)PS_PER_MS, 1e3);
    assert_near((double)cost.host.request_overhead_ps, 4 * (double)PS_PER_MS, 1e3);
    assert_int_equal(cost.host.idle_start_ps, 0);
    job.is_sweep = false; /* other jobs do not tell */
    cost = step_cost_constant(1000);
    client_fit(&run, &cost);
    assert_int_equal(cost.host.output_overhead_ps, 0);
    assert_int_equal(cost.host.request_overhead_ps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_tells_travel_and_wake),
        cmocka_unit_test(test_lone_request_tells_the_output),
    };
    return cmocka_run_group_tests_name("client_fit", tests, NULL, NULL);
}
