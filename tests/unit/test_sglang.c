#include "tests/unit/schedule.h"

#include "sim/engines/sglang.h"
#include "tests/unit/made_instance.h"

static const struct engine_settings small = {.num_blocks = 500,
                                             .block_tokens = 1,
                                             .max_batch_tokens = 64,
                                             .max_batch_requests = 8,
                                             .chunked_prefill = true,
                                             .largest_graph = 8,
                                             .sglang = {.max_prefill_tokens = 100}};

static void test_prompts_before_decodes(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){.preset = &engine_preset_sglang_0_4_6,
                                      .settings = small,
                                      .requests = {{20, 20, 3, 0}, {30, 20, 3, 2}},
                                      .first = 1,
                                      .steps = {"a20", "b30", "a1 b1", "a1! b1!", ""}});
}

static void test_prompt_in_chunks(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){.preset = &engine_preset_sglang_0_4_6,
                                      .settings = small,
                                      .requests = {{100, 20, 3, 0}},
                                      .first = 1,
                                      .steps = {"a64~", "a36", "a1", "a1!", ""}});
}

/* The share of outputs that admission counts on falls with each step of decodes, and starts over
 * when nothing is left to do. */
static void test_new_token_ratio(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_sglang_0_4_6, small);
    const double decay = 0.7 * (1 - 0.14) / 600;
    assert_near(sglang_new_token_ratio(&made.instance), 0.7, 1e-12);
    made_instance_ask(&made, 0, 20, 4);
    made_instance_step(&made);
    assert_near(sglang_new_token_ratio(&made.instance), 0.7, 1e-12);
    made_instance_step(&made);
    made_instance_step(&made);
    assert_near(sglang_new_token_ratio(&made.instance), 0.7 - 2 * decay, 1e-12);
    sglang_set_new_token_ratio(&made.instance, 0.7 * 0.14);
    made_instance_step(&made);
    assert_near(sglang_new_token_ratio(&made.instance), 0.7 * 0.14, 1e-12);
    assert_int_equal(made.instance.running_count, 0);
    made_instance_step(&made);
    assert_near(sglang_new_token_ratio(&made.instance), 0.7, 1e-12);
    instance_clear(&made.instance);
}

/* What a request leaves in the tree is found by one that begins alike, and is nobody's. */
static void test_tree_keeps_what_ended(void **state)
{
    (void)state;
    static struct made_instance made;
    struct engine_settings settings = small;
    settings.prefix_caching = true;
    made_instance_init(&made, &engine_preset_sglang_0_4_6, settings);
    made_instance_ask(&made, 0, 40, 2);
    made_instance_step(&made);
    assert_int_equal(sglang_evictable(&made.instance), 0);
    made_instance_step(&made);
    assert_int_equal(made.requests[0].status, REQUEST_FINISHED);
    assert_int_equal(sglang_evictable(&made.instance), 41);
    made_instance_ask(&made, 1, 40, 2);
    made.requests[1].ask.content.own_stream = 1; /* the same prompt */
    const struct batch *batch = made_instance_schedule(&made);
    assert_int_equal(batch->entries[0].tokens, 1);
    assert_int_equal(made.requests[1].cached_tokens, 39);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompts_before_decodes),
        cmocka_unit_test(test_prompt_in_chunks),
        cmocka_unit_test(test_new_token_ratio),
        cmocka_unit_test(test_tree_keeps_what_ended),
    };
    return cmocka_run_group_tests_name("sglang", tests, NULL, NULL);
}
