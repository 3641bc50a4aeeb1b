#include "tests/unit/driven_loop.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/fast_forward.h"

static const struct engine_settings one_at_a_time = {.block_tokens = 16, .chunked_prefill = true};

static struct driven_loop loop;

/* An idle engine starts late, then a step ends after its price, and the client sees it later. */
static void test_times_of_a_request(void **state)
{
    (void)state;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, one_at_a_time, false);
    loop.made.cost.host.idle_start_ps = 5 * PS_PER_MS;
    loop.made.cost.host.output_overhead_ps = 2 * PS_PER_MS;
    driven_loop_ask(&loop, 0, 20, 2);
    assert_int_equal(loop.next.next, EVENT_LAUNCH_DONE);
    assert_int_equal(loop.next.next_ps, 5 * PS_PER_MS);
    assert_true(driven_loop_step(&loop));
    assert_int_equal(loop.next.next, EVENT_STEP_END);
    assert_int_equal(loop.next.next_ps, 6 * PS_PER_MS);
    assert_true(driven_loop_step(&loop));
    assert_int_equal(loop.made.requests[0].clock.first_scheduled_ps, 5 * PS_PER_MS);
    assert_int_equal(loop.made.requests[0].clock.first_token_ps, 8 * PS_PER_MS);
    assert_int_equal(loop.next.finished_count, 0);
    assert_true(driven_loop_step(&loop));
    assert_int_equal(loop.next.finished_count, 1);
    assert_int_equal(loop.next.seen_ps, 9 * PS_PER_MS);
    assert_int_equal(loop.made.requests[0].clock.last_token_ps, 9 * PS_PER_MS);
    assert_false(loop.next.waits);
    assert_false(loop.made.instance.loop.is_busy);
    assert_int_equal(loop.record.counts.mixed_steps, 1);
    assert_int_equal(loop.record.counts.decode_steps, 1);
    driven_loop_clear(&loop);
}

/* A second request while the loop is busy waits for no event of its own. */
static void test_busy_loop_is_not_woken(void **state)
{
    (void)state;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, one_at_a_time, false);
    driven_loop_ask(&loop, 0, 20, 2);
    loop.made.requests[1].ask.prompt_tokens = 5;
    request_begin(&loop.made.requests[1], 1);
    assert_false(engine_loop_on_request(&loop.made.instance, 1, 0).waits);
    assert_int_equal(loop.made.instance.waiting.count, 2);
    driven_loop_clear(&loop);
}

/* With two steps in flight the loop schedules again as soon as a launch returns. */
static void test_two_steps_in_flight(void **state)
{
    (void)state;
    struct engine_settings settings = one_at_a_time;
    settings.async_scheduling = true;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, settings, false);
    driven_loop_ask(&loop, 0, 20, 5);
    assert_true(driven_loop_step(&loop));
    assert_int_equal(loop.next.next, EVENT_LAUNCH_DONE);
    assert_int_equal(loop.next.next_ps, 0);
    assert_true(driven_loop_step(&loop));
    assert_int_equal(loop.made.instance.loop.steps_in_flight, 2);
    assert_int_equal(loop.next.next, EVENT_STEP_END);
    assert_int_equal(loop.next.next_ps, PS_PER_MS);
    while (driven_loop_step(&loop)) {
        assert_true(loop.made.instance.loop.steps_in_flight <= MAX_STEPS_IN_FLIGHT);
    }
    assert_int_equal(loop.made.requests[0].clock.last_token_ps, 5 * PS_PER_MS);
    driven_loop_clear(&loop);
}

static void test_catching_up_makes_planned_steps(void **state)
{
    (void)state;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, one_at_a_time, true);
    driven_loop_ask(&loop, 0, 20, 40);
    while (loop.made.instance.loop.run.steps == 0) {
        assert_true(driven_loop_step(&loop));
    }
    int64_t start_ps = decode_run_step_ps(&loop.made.instance.loop.run, 0);
    uint64_t given = loop.made.instance.account.output_tokens;
    struct loop_result result =
        engine_loop_catch_up(&loop.made.instance, start_ps + 5 * PS_PER_MS / 2);
    assert_true(result.waits);
    assert_int_equal(result.next_ps, start_ps + 3 * PS_PER_MS);
    assert_int_equal(loop.made.instance.account.output_tokens, given + 3);
    assert_false(engine_loop_catch_up(&loop.made.instance, INT64_MAX).waits);
    driven_loop_clear(&loop);
}

static void test_stalled_beyond_patience(void **state)
{
    (void)state;
    driven_loop_init(&loop, &engine_preset_vllm_0_24, one_at_a_time, false);
    struct instance_account *account = &loop.made.instance.account;
    assert_true(account->patience_steps > 1000);
    account->steps_since_token = account->patience_steps;
    assert_false(engine_loop_is_stalled(&loop.made.instance));
    account->steps_since_token++;
    assert_true(engine_loop_is_stalled(&loop.made.instance));
    driven_loop_clear(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_of_a_request),
        cmocka_unit_test(test_busy_loop_is_not_woken),
        cmocka_unit_test(test_two_steps_in_flight),
        cmocka_unit_test(test_catching_up_makes_planned_steps),
        cmocka_unit_test(test_stalled_beyond_patience),
    };
    return cmocka_run_group_tests_name("engine_loop", tests, NULL, NULL);
}
