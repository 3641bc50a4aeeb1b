#include "tests/unit/made_instance.h"

#include "sim/engines/orca.h"

/* A start reserves prompt and budget, whatever the output turns out to be. */
static void test_start_reserves_the_budget(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_orca, (struct engine_settings){.num_blocks = 100});
    made_instance_ask(&made, 0, 30, 5);
    made_instance_step(&made);
    assert_int_equal(made.instance.kv_cache.held_blocks[0], 30 + 15);
    assert_int_equal(made.instance.kv_cache.free_blocks, 55);
    for (int step = 2; step < 5; step++) {
        made_instance_step(&made);
    }
    assert_int_equal(made.instance.running_count, 1);
    made_instance_step(&made);
    assert_int_equal(made.instance.leaving.finished_count, 1);
    assert_int_equal(made.requests[0].status, REQUEST_FINISHED);
    assert_int_equal(made.instance.kv_cache.free_blocks, 100);
    instance_clear(&made.instance);
}

/* Whole prompts run beside decodes, beyond max_batch_tokens, without graphs. */
static void test_prompts_run_whole(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_orca, (struct engine_settings){.num_blocks = 0});
    made_instance_ask(&made, 0, 30, 5);
    made_instance_step(&made);
    made_instance_ask(&made, 1, 200, 5);
    const struct batch *batch = made_instance_schedule(&made);
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->summary.decode_requests, 1);
    assert_int_equal(batch->summary.decode_context_tokens, 30);
    assert_int_equal(batch->summary.prefill_tokens, 200);
    assert_int_equal(batch->summary.padded_tokens, 201);
    assert_int_equal(batch->summary.cuda_graph, CUDA_GRAPH_NONE);
    instance_clear(&made.instance);
}

/* Steps repeat unless the first of the waiting would start. */
static void test_repeats_while_nobody_starts(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_orca,
                       (struct engine_settings){.num_blocks = 100, .max_batch_requests = 2});
    made_instance_ask(&made, 0, 30, 5);
    made_instance_step(&made);
    assert_true(engine_preset_orca.repeats.repeatable_steps(&made.instance) == UINT64_MAX);
    made_instance_ask(&made, 1, 50, 6); /* 66 of 55 free */
    assert_true(engine_preset_orca.repeats.repeatable_steps(&made.instance) == UINT64_MAX);
    request_queue_pop_front(&made.instance.waiting);
    made_instance_ask(&made, 2, 30, 15); /* 55 of 55 */
    assert_int_equal(engine_preset_orca.repeats.repeatable_steps(&made.instance), 0);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_reserves_the_budget),
        cmocka_unit_test(test_prompts_run_whole),
        cmocka_unit_test(test_repeats_while_nobody_starts),
    };
    return cmocka_run_group_tests_name("orca", tests, NULL, NULL);
}
