#include "tests/unit/check.h"

#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"

static void test_run_beyond_the_clock_is_given_up(void **state)
{
    (void)state;
    struct step_cost cost = step_cost_constant(100 * PS_PER_S);
    struct request request = {
        .ask.prompt_tokens = 1, .truth.output_tokens = 100000, .ask.max_output_tokens = 100000};
    struct instance_config config = {.preset = &engine_preset_vllm_0_24,
                                     .policy = &policy_fcfs,
                                     .cost = &cost,
                                     .engine = {.max_batch_tokens = 64,
                                                .max_batch_requests = 8,
                                                .max_model_len = 200000,
                                                .block_tokens = 16,
                                                .num_blocks = 20000,
                                                .chunked_prefill = true}};
    struct instance_group group = {&config, 1, INSTANCE_BOTH};
    struct simulation_settings settings = {
        .groups = &group, .group_count = 1, .client = {.kind = CLIENT_OPEN}};
    for (int stepwise = 0; stepwise < 2; stepwise++) {
        settings.stepwise = stepwise == 1;
        struct simulation *simulation = simulation_create(&settings, &request, 1);
        simulation_run(simulation);
        assert_true(simulation_is_out_of_time(simulation));
        assert_false(simulation_is_stalled(simulation));
        simulation_destroy(simulation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_beyond_the_clock_is_given_up),
    };
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
