#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"

enum { REQUESTS = 3 };

static struct step_cost cost;
static struct instance_config config;
static struct instance_group group;

/* Answers of 5, 10 and 15 tokens at once; the last cannot be served when 'last_prompt' is large. */
static struct simulation *create(struct request *requests, uint32_t last_prompt)
{
    cost = step_cost_constant(PS_PER_MS);
    config = (struct instance_config){.preset = &engine_preset_vllm_0_24,
                                      .policy = &policy_fcfs,
                                      .cost = &cost,
                                      .engine = {.max_batch_tokens = 64,
                                                 .max_batch_requests = 8,
                                                 .max_model_len = 100,
                                                 .block_tokens = 16,
                                                 .num_blocks = 50,
                                                 .chunked_prefill = true}};
    group = (struct instance_group){&config, 1, INSTANCE_BOTH, {0}};
    for (uint32_t i = 0; i < REQUESTS; i++) {
        requests[i] = (struct request){
            .ask = {.prompt_tokens = i == 2 ? last_prompt : 16, .max_output_tokens = 30},
            .truth.output_tokens = 5 * (i + 1)};
    }
    const struct simulation_settings settings = {
        .groups = &group, .group_count = 1, .client = {.kind = CLIENT_OPEN}};
    return simulation_create(&settings, requests, REQUESTS);
}

static void test_figures_of_a_run(void **state)
{
    (void)state;
    struct request requests[REQUESTS];
    struct simulation *simulation = create(requests, 16);
    while (simulation_step(simulation)) {
        simulation_check(simulation);
    }
    struct run_summary summary = simulation_summarize(simulation);
    assert_int_equal(summary.requests.finished, 3);
    assert_int_equal(summary.requests.rejected, 0);
    assert_int_equal(summary.steps.total, 15);
    assert_int_equal(summary.steps.mixed, 1);
    assert_int_equal(summary.steps.decode, 14);
    /* The cost was measured with one token a step. */
    assert_near(summary.steps.extrapolated_share, 10.0 / 15, 1e-12);
    assert_int_equal(summary.tokens.output, 30);
    assert_int_equal(summary.speculation.streamed_chunks, 30);
    assert_near(summary.makespan_s, 0.015, 1e-12);
    assert_int_equal(summary.latency.itl_s.count, 4 + 9 + 14);
    assert_near(summary.latency.itl_s.mean, 1e-3, 1e-12);
    assert_near(summary.latency.itl_s.max, 1e-3, 1e-12);
    /* Three run for 5 ms, two for 5 ms, one for 5 ms. */
    assert_near(summary.straggler.wasted_slot_share, 1 - 2.0 / 3, 1e-9);
    simulation_destroy(simulation);
}

static void test_rejected_are_counted_apart(void **state)
{
    (void)state;
    struct request requests[REQUESTS];
    struct simulation *simulation = create(requests, 100); /* reaches max_model_len */
    simulation_run(simulation);
    simulation_check(simulation);
    struct run_summary summary = simulation_summarize(simulation);
    assert_int_equal(summary.requests.finished, 2);
    assert_int_equal(summary.requests.rejected, 1);
    assert_int_equal(summary.tokens.output, 15);
    simulation_destroy(simulation);
}

/* Before anything has run there is no share and no gap. */
static void test_nothing_has_run(void **state)
{
    (void)state;
    struct request requests[REQUESTS];
    struct simulation *simulation = create(requests, 16);
    struct run_summary summary = simulation_summarize(simulation);
    assert_int_equal(summary.steps.total, 0);
    assert_true(isnan(summary.latency.itl_s.max));
    assert_near(summary.straggler.wasted_slot_share, 0, 0);
    assert_near(summary.steps.extrapolated_share, 0, 0);
    simulation_destroy(simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_of_a_run),
        cmocka_unit_test(test_rejected_are_counted_apart),
        cmocka_unit_test(test_nothing_has_run),
    };
    return cmocka_run_group_tests_name("simulation_summary", tests, NULL, NULL);
}
