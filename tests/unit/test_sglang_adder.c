#include "tests/unit/made_instance.h"

#include "sim/engines/sglang.h"
#include "sim/engines/sglang_adder.h"

static struct made_instance made;

static struct sglang_adder start(struct engine_settings settings)
{
    settings.num_blocks = settings.num_blocks > 0 ? settings.num_blocks : 500;
    settings.sglang.max_prefill_tokens = 100;
    made_instance_init(&made, &engine_preset_sglang_0_4_6, settings);
    return sglang_adder_make(&made.instance, &made.instance.loop.steps[0]);
}

static void end(struct sglang_adder *adder)
{
    sglang_adder_clear(adder);
    instance_clear(&made.instance);
}

/* A whole prompt is charged with the output that is asked, a chunk with itself alone. */
static void test_charges(void **state)
{
    (void)state;
    struct sglang_adder adder = start((struct engine_settings){.chunked_prefill = true});
    made_instance_ask(&made, 0, 40, 20);
    made_instance_ask(&made, 1, 60, 20);
    assert_int_equal(sglang_adder_add(&adder, 0), SGLANG_CONTINUE);
    assert_near(adder.charged, 40 + 30, 0);
    assert_int_equal(adder.chunk_left, 24);
    assert_int_equal(sglang_adder_add(&adder, 1), SGLANG_OTHER); /* the step is full */
    assert_near(adder.charged, 40 + 30 + 24, 0);
    assert_int_equal(sglang_state_of(&made.instance)->chunked, 1);
    assert_int_equal(adder.batch->entries[1].tokens, 24);
    end(&adder);
}

/* The rest of a prompt comes in the next step, and then with its output. */
static void test_chunk_goes_on(void **state)
{
    (void)state;
    struct sglang_adder adder = start((struct engine_settings){.chunked_prefill = true});
    made_instance_ask(&made, 0, 80, 20);
    assert_int_equal(sglang_adder_add(&adder, 0), SGLANG_OTHER);
    made.requests[0].computed_tokens = 64;
    sglang_adder_clear(&adder);
    adder = sglang_adder_make(&made.instance, &made.instance.loop.steps[0]);
    sglang_adder_continue(&adder);
    assert_int_equal(adder.batch->entries[1].tokens, 16);
    assert_int_equal(adder.batch->entries[1].computed_before, 64);
    assert_near(adder.charged, 16 + 30, 0);
    assert_int_equal(sglang_state_of(&made.instance)->chunked, SGLANG_NOBODY);
    end(&adder);
}

/* A request that would take all that is left, to the slot, is not added; one slot less is. */
static void test_no_token_left(void **state)
{
    (void)state;
    struct sglang_adder adder = start((struct engine_settings){.num_blocks = 100});
    made_instance_ask(&made, 0, 20, 10); /* charged with 20 + 20 of 100 */
    made_instance_ask(&made, 1, 20, 30);
    made_instance_ask(&made, 2, 20, 29);
    assert_int_equal(sglang_adder_add(&adder, 0), SGLANG_CONTINUE);
    assert_int_equal(sglang_adder_add(&adder, 1), SGLANG_NO_TOKEN);
    assert_int_equal(adder.added, 1);
    assert_int_equal(sglang_adder_add(&adder, 2), SGLANG_CONTINUE);
    assert_int_equal(adder.added, 2);
    end(&adder);
}

/* max_prefill_tokens holds for all but the first prompt. */
static void test_input_limit(void **state)
{
    (void)state;
    struct sglang_adder adder = start((struct engine_settings){.num_blocks = 0});
    made_instance_ask(&made, 0, 70, 5);
    made_instance_ask(&made, 1, 31, 5);
    assert_int_equal(sglang_adder_add(&adder, 0), SGLANG_CONTINUE);
    assert_int_equal(sglang_adder_add(&adder, 1), SGLANG_OTHER);
    assert_int_equal(adder.added, 1);
    sglang_adder_clear(&adder);
    adder = sglang_adder_make(&made.instance, &made.instance.loop.steps[0]);
    made_instance_ask(&made, 2, 130, 5);
    assert_int_equal(sglang_adder_add(&adder, 2), SGLANG_OTHER);
    assert_int_equal(adder.added, 1);
    assert_int_equal(adder.input_left, -30);
    end(&adder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charges),
        cmocka_unit_test(test_chunk_goes_on),
        cmocka_unit_test(test_no_token_left),
        cmocka_unit_test(test_input_limit),
    };
    return cmocka_run_group_tests_name("sglang_adder", tests, NULL, NULL);
}
