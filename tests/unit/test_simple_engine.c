#include "tests/unit/made_instance.h"

#include "sim/engines/orca.h"
#include "sim/engines/simple_engine.h"

static void test_needs_prompt_and_budget_up_to_the_limit(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_orca, (struct engine_settings){.max_model_len = 100});
    struct request request = {.ask = {.prompt_tokens = 60, .max_output_tokens = 39}};
    assert_int_equal(simple_engine_tokens_needed(&made.instance, &request), 99);
    request.ask.max_output_tokens = 41;
    assert_int_equal(simple_engine_tokens_needed(&made.instance, &request), 100);
    request.ask.max_output_tokens = UINT32_MAX; /* the sum is beyond 32 bits */
    assert_int_equal(simple_engine_tokens_needed(&made.instance, &request), 100);
    instance_clear(&made.instance);
}

/* First the prompt, then each token that was formed but not computed. */
static void test_adds_what_is_not_computed(void **state)
{
    (void)state;
    static struct made_instance made;
    struct batch batch;
    made_instance_init(&made, &engine_preset_orca, (struct engine_settings){.num_blocks = 0});
    made_instance_ask(&made, 0, 12, 5);
    batch_init(&batch);
    simple_engine_add(&made.instance, &batch, 0);
    simple_engine_add(&made.instance, &batch, 0); /* before the output of the first is known */
    assert_int_equal(batch.entries[0].tokens, 12);
    assert_int_equal(batch.entries[0].computed_before, 0);
    assert_int_equal(batch.entries[1].tokens, 1);
    assert_int_equal(batch.entries[1].computed_before, 12);
    assert_true(batch.entries[0].samples && batch.entries[1].samples);
    assert_int_equal(made.requests[0].computed_tokens, 13);
    assert_int_equal(made.requests[0].placeholders, 2);
    batch_clear(&batch);
    instance_clear(&made.instance);
}

static void test_the_finished_leave_nothing(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_orca, (struct engine_settings){.num_blocks = 200});
    made_instance_ask(&made, 0, 12, 5);
    made_instance_ask(&made, 1, 13, 5);
    made_instance_step(&made);
    simple_engine_finish(&made.instance, 0);
    assert_int_equal(made.instance.running_count, 1);
    assert_int_equal(made.instance.running[0], 1);
    assert_int_equal(made.instance.kv_cache.held_blocks[0], 0);
    assert_int_equal(made.instance.kv_cache.free_blocks, 200 - 13 - 15);
    assert_int_equal(made.instance.leaving.finished[0], 0);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_prompt_and_budget_up_to_the_limit),
        cmocka_unit_test(test_adds_what_is_not_computed),
        cmocka_unit_test(test_the_finished_leave_nothing),
    };
    return cmocka_run_group_tests_name("simple_engine", tests, NULL, NULL);
}
