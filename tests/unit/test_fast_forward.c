#include "tests/unit/driven_loop.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/fast_forward.h"

/* Steps taken at once come out as one by one, one at a time and with two in flight. */
static void test_planned_steps_equal_single_ones(void **state)
{
    (void)state;
    struct engine_settings settings = {.block_tokens = 16, .chunked_prefill = true};
    assert_true(driven_loop_compare(&engine_preset_vllm_0_24, settings) > 20);
    settings.async_scheduling = true;
    assert_true(driven_loop_compare(&engine_preset_vllm_0_24, settings) > 20);
    assert_true(driven_loop_compare(&engine_preset_vllm_0_8, settings) > 20);
}

static void test_steps_before_a_time(void **state)
{
    (void)state;
    struct decode_run run = {
        .steps = 10, .times = {.first_ps = 100, .first_gap_ps = 50, .gap_ps = 20, .rise_ps = 1}};
    assert_int_equal(decode_run_steps_before(&run, 0), 1); /* the first always counts */
    assert_int_equal(decode_run_steps_before(&run, 150), 1);
    assert_int_equal(decode_run_steps_before(&run, 151), 2);
    assert_int_equal(decode_run_steps_before(&run, 150 + 20 + 21), 3);
    assert_int_equal(decode_run_steps_before(&run, 150 + 20 + 22), 4);
    assert_int_equal(decode_run_steps_before(&run, INT64_MAX), 10);
    run.times.rise_ps = -2; /* gaps of 20, 18, 16 and so on */
    assert_int_equal(decode_run_steps_before(&run, 150 + 20 + 18), 3);
    assert_int_equal(decode_run_steps_before(&run, 150 + 20 + 19), 4);
    assert_int_equal(decode_run_steps_before(&run, 150 + 20 + 18 + 16 + 14 + 12 + 1), 7);
    assert_int_equal(decode_run_steps_before(&run, INT64_MAX), 10);
    run = (struct decode_run){.steps = 3, .verifies = true, .ends_ps = {100, 130, 135, 170}};
    assert_int_equal(decode_run_steps_before(&run, 100), 1);
    assert_int_equal(decode_run_steps_before(&run, 135), 2);
    assert_int_equal(decode_run_steps_before(&run, 136), 3);
    assert_int_equal(decode_run_steps_before(&run, 1000), 3);
}

/* Where steps may not repeat, or nothing runs, nothing is planned. */
static void test_nothing_to_plan(void **state)
{
    (void)state;
    static struct driven_loop loop;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, (struct engine_settings){.block_tokens = 16},
                     true);
    assert_false(fast_forward_plan(&loop.made.instance, 0));
    assert_int_equal(loop.made.instance.loop.run.steps, 0);
    driven_loop_clear(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planned_steps_equal_single_ones),
        cmocka_unit_test(test_steps_before_a_time),
        cmocka_unit_test(test_nothing_to_plan),
    };
    return cmocka_run_group_tests_name("fast_forward", tests, NULL, NULL);
}
