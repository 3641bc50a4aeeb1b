#include "tests/unit/check.h"

#include "calibration/host_speed.h"
#include "sim/base/units.h"

enum { STEPS = 14 };

/* A sweep that only decodes, whose scheduling passes are 'gap_s' apart. */
struct made_run {
    struct measured_step steps[STEPS];
    struct measured_job job;
    struct measured_run run;
};

static void make(struct made_run *made, double gap_s)
{
    *made = (struct made_run){.job = {.is_sweep = true, .step_count = STEPS}};
    for (uint32_t i = 0; i < STEPS; i++) {
        made->steps[i] = (struct measured_step){
            .schedule_s = gap_s * i, .decode_requests = 100, .decode_context_tokens = 6400};
    }
    made->run = (struct measured_run){
        .steps = made->steps, .step_count = STEPS, .jobs = &made->job, .job_count = 1};
    made->run.engine.max_batch_requests = 1024;
    made->run.engine.max_batch_tokens = 8192;
}

/* Launches of 2 ms and 20 us a request, and a GPU that is done in 1 ms. */
static struct step_cost paced_by_host(void)
{
    struct step_cost cost = step_cost_constant(PS_PER_MS);
    cost.host.launch_ps[CUDA_GRAPH_FULL] = 2 * PS_PER_MS;
    cost.host.request_ps = 20 * PS_PER_US;
    return cost;
}

/* Of the 14 steps the last and the first two have no decodes on both sides. */
static void test_half_of_the_deviation_is_kept(void **state)
{
    (void)state;
    struct made_run made;
    const struct step_cost cost = paced_by_host();
    make(&made, 4 * 0.004);
    struct host_speed speed = host_speed_measure(&made.run, &cost);
    assert_int_equal(speed.steps, STEPS - 3);
    assert_int_equal(speed.decode_steps, STEPS - 3);
    assert_near(speed.slowdown, 2, 1e-9);
    make(&made, 0.004);
    assert_near(host_speed_measure(&made.run, &cost).slowdown, 1, 1e-9);
}

static void test_what_tells_nothing(void **state)
{
    (void)state;
    struct made_run made;
    const struct step_cost cost = paced_by_host();
    const struct step_cost slow_gpu = step_cost_constant(5 * PS_PER_MS);
    make(&made, 0.016);
    struct host_speed speed = host_speed_measure(&made.run, &slow_gpu);
    assert_int_equal(speed.steps, 0);
    assert_int_equal(speed.decode_steps, STEPS - 3);
    assert_near(speed.slowdown, 1, 0);
    made.steps[6].prefill_requests = 1; /* hides the steps around it: too few are left */
    assert_near(host_speed_measure(&made.run, &cost).slowdown, 1, 0);
    made.steps[6].prefill_requests = 0;
    made.run.engine.speculation.draft_tokens = 4; /* it waits for each step */
    assert_near(host_speed_measure(&made.run, &cost).slowdown, 1, 0);
    made.run.engine.speculation.draft_tokens = 0;
    made.job.is_sweep = false;
    assert_near(host_speed_measure(&made.run, &cost).slowdown, 1, 0);
}

static void test_applied_to_launches_alone(void **state)
{
    (void)state;
    struct step_cost cost = paced_by_host();
    host_speed_apply(1.5, &cost);
    assert_int_equal(cost.host.launch_ps[CUDA_GRAPH_FULL], 3 * PS_PER_MS);
    assert_int_equal(cost.host.request_ps, 30 * PS_PER_US);
    assert_near(cost.decode.cost_ps[0], (double)PS_PER_MS, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_of_the_deviation_is_kept),
        cmocka_unit_test(test_what_tells_nothing),
        cmocka_unit_test(test_applied_to_launches_alone),
    };
    return cmocka_run_group_tests_name("host_speed", tests, NULL, NULL);
}
