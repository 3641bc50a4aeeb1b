#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/engines/vllm_v1_pass.h"

static void test_room_beyond_what_was_found(void **state)
{
    (void)state;
    struct kv_cache cache;
    const struct prefix_hit none = {0, 0, 0};
    kv_cache_init(&cache, 10, 16, 1);
    assert_true(vllm_v1_has_room(&cache, 160, none, 0));
    assert_false(vllm_v1_has_room(&cache, 161, none, 0));
    assert_true(vllm_v1_has_room(&cache, 128, none, 2));
    assert_false(vllm_v1_has_room(&cache, 129, none, 2));
    /* Blocks found in use cost nothing, those found among the free ones are taken from them. */
    assert_true(vllm_v1_has_room(&cache, 192, (struct prefix_hit){.blocks = 2}, 0));
    assert_false(vllm_v1_has_room(&cache, 192, (struct prefix_hit){.blocks = 2, .free = 1}, 0));
    kv_cache_clear(&cache);
}

/* A pass gives out no more than the step's tokens, and places no more than may run. */
static void test_pass_keeps_its_limits(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_vllm_0_24,
                       (struct engine_settings){
                           .block_tokens = 16, .max_batch_requests = 2, .chunked_prefill = true});
    made_instance_ask(&made, 0, 30, 5);
    made_instance_ask(&made, 1, 20, 5);
    made_instance_ask(&made, 2, 14, 5);
    struct batch *batch = &made.instance.loop.steps[0];
    vllm_v1_pass_schedule(&made.instance, batch);
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->summary.prefill_tokens, 50);
    assert_int_equal(made.instance.waiting.count, 1);
    instance_clear(&made.instance);
    made_instance_init(&made, &engine_preset_vllm_0_24,
                       (struct engine_settings){.block_tokens = 16, .chunked_prefill = true});
    made_instance_ask(&made, 0, 200, 5);
    made_instance_ask(&made, 1, 20, 5);
    vllm_v1_pass_schedule(&made.instance, batch);
    assert_int_equal(batch->count, 1);
    assert_int_equal(batch->entries[0].tokens, 64);
    assert_false(batch->entries[0].samples);
    instance_clear(&made.instance);
}

/* Without chunks a prompt that is not whole in the rest of the step waits for the next one. */
static void test_whole_prompts_only(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_vllm_0_24,
                       (struct engine_settings){.block_tokens = 16});
    made_instance_ask(&made, 0, 40, 5);
    made_instance_ask(&made, 1, 40, 5);
    assert_int_equal(made_instance_schedule(&made)->count, 1);
    made.config.preset->process_output(&made.instance, &made.instance.loop.steps[0]);
    const struct batch *batch = made_instance_schedule(&made);
    assert_int_equal(batch->summary.decode_requests, 1);
    assert_int_equal(batch->summary.prefill_tokens, 40);
    instance_clear(&made.instance);
}

static void test_long_prompts_are_cut(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_vllm_0_24,
                       (struct engine_settings){.block_tokens = 16,
                                                .chunked_prefill = true,
                                                .long_prefill_threshold_tokens = 16});
    made_instance_ask(&made, 0, 40, 5);
    made_instance_ask(&made, 1, 20, 5);
    const uint32_t expected[][2] = {{16, 16}, {16, 4}, {8, 1}};
    for (int step = 0; step < 3; step++) {
        struct batch *batch = made_instance_schedule(&made);
        assert_int_equal(batch->entries[0].tokens, expected[step][0]);
        assert_int_equal(batch->entries[1].tokens, expected[step][1]);
        assert_int_equal(batch->entries[0].samples, step == 2);
        made.config.preset->process_output(&made.instance, batch);
    }
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_beyond_what_was_found),
        cmocka_unit_test(test_pass_keeps_its_limits),
        cmocka_unit_test(test_whole_prompts_only),
        cmocka_unit_test(test_long_prompts_are_cut),
    };
    return cmocka_run_group_tests_name("vllm_v1_pass", tests, NULL, NULL);
}
