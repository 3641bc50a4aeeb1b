#include "tests/unit/made_instance.h"

#include "sim/engines/orca.h"

/* The rows of a batch get room for the longest prompt and the largest budget of all. */
static void test_rows_are_padded(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_static,
                       (struct engine_settings){.num_blocks = 200, .streams_tokens = true});
    made_instance_ask(&made, 0, 40, 2);
    made_instance_ask(&made, 1, 10, 30);
    made_instance_step(&made);
    assert_int_equal(made.instance.kv_cache.held_blocks[0], 40 + 40);
    assert_int_equal(made.instance.kv_cache.held_blocks[1], 40 + 40);
    instance_clear(&made.instance);
}

/* Rows that have ended go through the linear layers until the last one ends. */
static void test_ended_rows_are_computed(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_static,
                       (struct engine_settings){.streams_tokens = true});
    made_instance_ask(&made, 0, 40, 1);
    made_instance_ask(&made, 1, 10, 3);
    made_instance_step(&made);
    made_instance_ask(&made, 2, 10, 3);
    const struct batch *batch = made_instance_schedule(&made);
    assert_int_equal(batch->summary.decode_requests, 1);
    assert_int_equal(batch->summary.padded_tokens, 2);
    assert_int_equal(made.instance.waiting.count, 1); /* nobody joins */
    engine_preset_static.process_output(&made.instance, &made.instance.loop.steps[0]);
    assert_int_equal(made.instance.leaving.finished_count, 0);
    made_instance_step(&made);
    assert_int_equal(made.instance.leaving.finished_count, 2);
    assert_int_equal(made.instance.kv_cache.free_blocks, made.instance.kv_cache.total_blocks);
    instance_clear(&made.instance);
}

/* The batch does not start with the second, whose padding would not fit. */
static void test_takes_what_fits_padded(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_static, (struct engine_settings){.num_blocks = 119});
    made_instance_ask(&made, 0, 10, 10);
    made_instance_ask(&made, 1, 40, 10); /* 2 x 60 */
    assert_int_equal(made_instance_schedule(&made)->count, 1);
    assert_int_equal(made.instance.waiting.count, 1);
    assert_true(engine_preset_static.repeats.repeatable_steps(&made.instance) == UINT64_MAX);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_padded),
        cmocka_unit_test(test_ended_rows_are_computed),
        cmocka_unit_test(test_takes_what_fits_padded),
    };
    return cmocka_run_group_tests_name("static_batching", tests, NULL, NULL);
}
