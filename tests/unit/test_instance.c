#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"

static struct made_instance made;

static void start(struct engine_settings settings)
{
    settings.block_tokens = 16;
    made_instance_init(&made, &engine_preset_vllm_0_24, settings);
}

static const char *refusal(uint32_t prompt, uint32_t output)
{
    const struct request request = {.ask = {.prompt_tokens = prompt, .max_output_tokens = output},
                                    .truth.output_tokens = output};
    return instance_refusal(&made.instance, &request);
}

/* What can never be served, at its edges. */
static void test_refusals(void **state)
{
    (void)state;
    start((struct engine_settings){.num_blocks = 11, .max_model_len = 200});
    assert_int_equal(made.instance.kv_cache.total_blocks, 10); /* one is the engine's */
    assert_null(refusal(150, 10));
    assert_string_equal(refusal(150, 11), "prompt and output need more KV blocks than there are");
    assert_string_equal(refusal(200, 1), "the prompt reaches max_model_len");
    instance_clear(&made.instance);
    start((struct engine_settings){.max_model_len = 200});
    assert_null(refusal(199, 1000)); /* the output is cut to what max_model_len leaves */
    instance_clear(&made.instance);
}

/* The nearest of output, budget and max_model_len ends a request. */
static void test_tokens_left(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    struct request request = {.ask = {.prompt_tokens = 60, .max_output_tokens = 30},
                              .truth.output_tokens = 20,
                              .known_tokens = 65};
    assert_int_equal(instance_tokens_left(&made.instance, &request), 15);
    request.truth.output_tokens = 35;
    assert_int_equal(instance_tokens_left(&made.instance, &request), 25);
    request.ask.max_output_tokens = 90;
    request.truth.output_tokens = 90;
    assert_int_equal(instance_tokens_left(&made.instance, &request), 35);
    request.known_tokens = 100;
    assert_int_equal(instance_tokens_left(&made.instance, &request), 0);
    made.instance.prefills_only = true; /* hands over with the first token */
    request.known_tokens = 60;
    assert_int_equal(instance_tokens_left(&made.instance, &request), 1);
    instance_clear(&made.instance);
}

static void test_running_in_order(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    assert_false(instance_has_work(&made.instance));
    for (uint32_t i = 0; i < 4; i++) {
        instance_add_running(&made.instance, 5 - i);
    }
    instance_remove_running(&made.instance, 4);
    const uint32_t expected[] = {5, 3, 2};
    assert_int_equal(made.instance.running_count, 3);
    assert_memory_equal(made.instance.running, expected, sizeof expected);
    assert_memory_equal(made.instance.ungrouped, expected, sizeof expected);
    assert_true(instance_has_work(&made.instance));
    instance_clear(&made.instance);
}

static void test_refused_late(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    made_instance_ask(&made, 3, 10, 5);
    instance_add_refused(&made.instance, 3);
    assert_int_equal(made.instance.leaving.refused_count, 1);
    assert_int_equal(made.instance.leaving.refused[0], 3);
    assert_int_equal(made.requests[3].status, REQUEST_REJECTED);
    instance_clear(&made.instance);
}

/* Two steps in flight under asynchronous scheduling, unless tokens are taken early. */
static void test_steps_in_flight(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    assert_int_equal(instance_steps_limit(&made.instance), 1);
    made.config.engine.async_scheduling = true;
    assert_int_equal(instance_steps_limit(&made.instance), 2);
    assert_false(instance_takes_tokens_early(&made.instance));
    made.instance.loop.oldest_step = 1;
    made.instance.loop.steps_in_flight = 2;
    assert_ptr_equal(instance_step(&made.instance, 0), &made.instance.loop.steps[1]);
    assert_ptr_equal(instance_newest_step(&made.instance), &made.instance.loop.steps[0]);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),         cmocka_unit_test(test_tokens_left),
        cmocka_unit_test(test_running_in_order), cmocka_unit_test(test_refused_late),
        cmocka_unit_test(test_steps_in_flight),
    };
    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
