#include "tests/unit/driven_loop.h"

#include "sim/engines/orca.h"
#include "sim/engines/sglang.h"
#include "sim/engines/tgi.h"
#include "sim/engines/vllm_v0.h"
#include "sim/engines/vllm_v1.h"
#include "sim/serving/uniform_decodes.h"

/* Of engines that keep no decode group, steps taken at once come out as one by one. */
static void test_walks_equal_single_steps(void **state)
{
    (void)state;
    struct engine_settings settings = {.block_tokens = 1, .chunked_prefill = true};
    settings.sglang.max_prefill_tokens = 100;
    assert_true(driven_loop_compare(&engine_preset_orca, settings) > 20);
    assert_true(driven_loop_compare(&engine_preset_tgi, settings) > 20);
    assert_true(driven_loop_compare(&engine_preset_sglang_0_4_6, settings) > 20);
    settings.prefix_caching = true;
    assert_true(driven_loop_compare(&engine_preset_sglang_0_4_6, settings) > 20);
}

static void test_paged_blocks_equal_single_steps(void **state)
{
    (void)state;
    struct engine_settings settings = {
        .block_tokens = 16, .chunked_prefill = true, .prefix_caching = true};
    assert_true(driven_loop_compare(&engine_preset_vllm_0_24, settings) > 20);
    assert_true(driven_loop_compare(&engine_preset_vllm_v0, settings) > 20);
}

/* A prompt in the step, or drafts, is no repetition. */
static void test_what_is_not_uniform(void **state)
{
    (void)state;
    static struct driven_loop loop;
    driven_loop_init(&loop, &engine_preset_orca, (struct engine_settings){.block_tokens = 1}, true);
    driven_loop_ask(&loop, 0, 20, 30);
    assert_true(driven_loop_step(&loop)); /* the step of the prompt is in flight */
    assert_false(uniform_decodes_are_all(&loop.made.instance));
    assert_true(driven_loop_step(&loop));
    assert_true(uniform_decodes_are_all(&loop.made.instance));
    loop.made.config.engine.draft_tokens = 2;
    assert_false(uniform_decodes_are_all(&loop.made.instance));
    driven_loop_clear(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks_equal_single_steps),
        cmocka_unit_test(test_paged_blocks_equal_single_steps),
        cmocka_unit_test(test_what_is_not_uniform),
    };
    return cmocka_run_group_tests_name("uniform_decodes", tests, NULL, NULL);
}
