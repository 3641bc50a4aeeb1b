#include "tests/unit/schedule.h"

#include "sim/engines/tgi.h"
#include "sim/serving/instance_policy.h"

static const struct engine_settings small = {.num_blocks = 150,
                                             .block_tokens = 1,
                                             .max_batch_tokens = 64,
                                             .max_batch_requests = 64,
                                             .chunked_prefill = true};

static void test_prompt_in_chunks(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){.preset = &engine_preset_tgi,
                                      .settings = small,
                                      .requests = {{100, 20, 3, 0}},
                                      .first = 1,
                                      .steps = {"a64~", "a36", "a1", "a1!", ""}});
}

/* Each reserves prompt and budget: the second has no room before the first has ended. */
static void test_second_waits_for_room(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){.preset = &engine_preset_tgi,
                                      .settings = small,
                                      .requests = {{40, 60, 3, 0}, {40, 60, 2, 0}},
                                      .first = 1,
                                      .steps = {"a40", "a1", "a1!", "b40", "b1!", ""}});
}

/* Nobody is preempted, however full the pool gets. */
static void test_nobody_is_preempted(void **state)
{
    (void)state;
    struct request requests[2] = {{0}};
    const struct instance_config config = {.preset = &engine_preset_tgi,
                                           .policy = scheduling_policies[0],
                                           .engine = {.num_blocks = 101,
                                                      .block_tokens = 1,
                                                      .max_batch_tokens = 64,
                                                      .max_batch_requests = 8,
                                                      .max_model_len = 1000,
                                                      .chunked_prefill = true,
                                                      .max_concurrent_requests = 2}};
    struct instance instance;
    instance_init(&instance, &config, requests, 2);
    for (uint32_t i = 0; i < 2; i++) {
        requests[i].ask.prompt_tokens = 20;
        requests[i].known_tokens = 20;
        requests[i].ask.max_output_tokens = 30;
        requests[i].truth.output_tokens = 30;
        assert_null(instance_refusal(&instance, &requests[i]));
        instance_policy_enqueue(&instance, i);
    }
    assert_string_equal(instance_refusal(&instance, &requests[0]), "too many requests at once");
    for (int step = 0; step < 30; step++) {
        assert_int_equal(instance.running_count, step == 0 ? 0 : 2);
        config.preset->schedule(&instance, &instance.loop.steps[0]);
        assert_int_equal(instance.loop.steps[0].preempted_count, 0);
        config.preset->process_output(&instance, &instance.loop.steps[0]);
    }
    assert_int_equal(instance.running_count, 0);
    assert_int_equal(instance.kv_cache.free_blocks, instance.kv_cache.total_blocks);
    instance_clear(&instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompt_in_chunks),
        cmocka_unit_test(test_second_waits_for_room),
        cmocka_unit_test(test_nobody_is_preempted),
    };
    return cmocka_run_group_tests_name("tgi", tests, NULL, NULL);
}
