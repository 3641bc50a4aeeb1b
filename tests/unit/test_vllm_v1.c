#include "tests/unit/schedule.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/instance_policy.h"

#define V1(preset_, blocks)                                                                        \
    .preset = &(preset_), .settings = {.num_blocks = blocks,                                       \
                                       .block_tokens = 16,                                         \
                                       .max_batch_tokens = 64,                                     \
                                       .max_batch_requests = 8,                                    \
                                       .chunked_prefill = true}

/* The rest of the step's tokens goes to a chunk of the second prompt. */
static void test_running_before_waiting(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){V1(engine_preset_vllm_0_24, 100),
                                      .requests = {{40, 20, 3, 0}, {40, 20, 2, 0}}, .first = 1,
                                      .steps = {"a40 b24~", "a1 b16", "a1! b1!", ""}});
}

/* Four blocks hold two requests of up to 32 tokens; the last is preempted and computed anew. */
static void test_last_is_preempted(void **state)
{
    (void)state;
    struct schedule schedule = {V1(engine_preset_vllm_0_24, 5),
                                .requests = {{16, 30, 30, 0}, {16, 30, 30, 0}}, .first = 17,
                                .steps = {"a1 b1", "a1", "a1"}};
    check_schedule(&schedule);
    schedule.first = 30;
    schedule.steps[0] = "a1!";
    schedule.steps[1] = "b33";
    schedule.steps[2] = "b1";
    check_schedule(&schedule);
}

/* A prompt that needs no more than the room above the watermark. */
static void test_watermark(void **state)
{
    (void)state;
    struct schedule schedule = {V1(engine_preset_vllm_0_24, 11),
                                .requests = {{64, 90, 2, 0}, {64, 90, 2, 0}}, .first = 1,
                                .steps = {"a64", "a1! b63~", "b1", "b1!"}};
    check_schedule(&schedule);
    schedule.settings.watermark_ratio = 0.2; /* 2 of 11 */
    schedule.steps[1] = "a1!";
    schedule.steps[2] = "b64";
    check_schedule(&schedule);
}

/* vLLM 0.8 takes 64 tokens' blocks ahead; what it lacks then is only the next time. */
static void test_blocks_ahead(void **state)
{
    (void)state;
    struct request request = {.ask = {.prompt_tokens = 20, .max_output_tokens = 90},
                              .truth.output_tokens = 90,
                              .known_tokens = 20};
    const struct instance_config config = {.preset = &engine_preset_vllm_0_8,
                                           .policy = scheduling_policies[0],
                                           .engine = {.num_blocks = 100,
                                                      .block_tokens = 16,
                                                      .max_batch_tokens = 64,
                                                      .max_batch_requests = 8,
                                                      .max_model_len = 1000,
                                                      .chunked_prefill = true}};
    struct instance instance;
    instance_init(&instance, &config, &request, 1);
    instance_policy_enqueue(&instance, 0);
    for (int step = 0; step < 78; step++) { /* up to 97 tokens */
        config.preset->schedule(&instance, &instance.loop.steps[0]);
        assert_int_equal(instance.kv_cache.held_blocks[0], step < 77 ? 2 + 4 : 2 + 4 + 5);
        config.preset->process_output(&instance, &instance.loop.steps[0]);
    }
    assert_int_equal(instance.loop.steps[0].summary.cuda_graph, CUDA_GRAPH_FULL);
    instance_clear(&instance);
}

/* A decode repeats until the step before its last. */
static void test_steady_steps(void **state)
{
    (void)state;
    const struct instance_config config = {.engine = {.max_model_len = 100}};
    const struct instance instance = {.config = &config};
    struct request request = {.ask = {.prompt_tokens = 20, .max_output_tokens = 60},
                              .truth.output_tokens = 50,
                              .known_tokens = 21,
                              .placeholders = 1};
    assert_int_equal(engine_preset_vllm_0_24.repeats.steady_steps(&instance, &request), 48);
    request.truth.output_tokens = 60;
    request.ask.max_output_tokens = 200;
    assert_int_equal(engine_preset_vllm_0_24.repeats.steady_steps(&instance, &request), 58);
    request.truth.output_tokens = 200; /* max_model_len is nearer */
    assert_int_equal(engine_preset_vllm_0_24.repeats.steady_steps(&instance, &request), 78);
    request.known_tokens = 99;
    assert_int_equal(engine_preset_vllm_0_24.repeats.steady_steps(&instance, &request), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_before_waiting),
        cmocka_unit_test(test_last_is_preempted),
        cmocka_unit_test(test_watermark),
        cmocka_unit_test(test_blocks_ahead),
        cmocka_unit_test(test_steady_steps),
    };
    return cmocka_run_group_tests_name("vllm_v1", tests, NULL, NULL);
}
