#include "tests/unit/check.h"

#include "sim/metrics/timeline.h"

static void test_timeline_integrates_busy_time(void **state)
{
    (void)state;
    struct timeline timeline;
    timeline_init(&timeline, PS_PER_S, 100, 8);
    timeline_set(&timeline, 2 * PS_PER_S, (struct timeline_state){20, 4, 0, 0});
    timeline_set(&timeline, 3 * PS_PER_S, (struct timeline_state){100, 8, 2, 0});
    timeline_set(&timeline, 6 * PS_PER_S, (struct timeline_state){0, 0, 0, 0});
    struct timeline_summary summary = timeline_summarize(&timeline);
    assert_near(summary.busy_s, 4, 1e-12);
    assert_near(summary.kv_mean, (0.2 + 3 * 1.0) / 4, 1e-12);
    assert_near(summary.kv_peak, 1, 0);
    assert_near(summary.kv_share_above_95, 0.75, 1e-12);
    assert_near(summary.kv_volatility, 0.8, 1e-12);
    assert_near(summary.running_mean, (4 + 3 * 8) / 4.0, 1e-12);
    assert_int_equal(summary.waiting_peak, 2);
    assert_near(summary.share_under_quarter, 0, 0);
    assert_int_equal(timeline.sample_count, 6);
    assert_int_equal(timeline.samples[1].state.running, 0);
    assert_int_equal(timeline.samples[2].state.running, 4);
    assert_int_equal(timeline.samples[5].state.running, 8);
    timeline_clear(&timeline);
}

/* Member by member: padding has no meaning. */
static void assert_states_equal(const struct timeline_state *a, const struct timeline_state *b)
{
    assert_int_equal(a->used_blocks, b->used_blocks);
    assert_int_equal(a->running, b->running);
    assert_int_equal(a->waiting, b->waiting);
    assert_int_equal(a->output_tokens, b->output_tokens);
}

/* Turns at once leave the same behind as turn by turn. */
static void test_timeline_repeats_as_it_is_set(void **state)
{
    (void)state;
    enum { PERIOD = 4, BLOCKS = 500 };
    static const uint32_t blocks[PERIOD] = {3, 0, 1, 2};
    struct periodic_growth growth = {.blocks = blocks, .period = PERIOD, .sum = 6, .members = 4};
    struct step_times times = {
        .first_ps = PS_PER_S / 3, .first_gap_ps = PS_PER_MS, .gap_ps = 7 * PS_PER_MS};
    for (uint64_t turns = 1; turns < 200; turns++) {
        struct timeline walked;
        struct timeline taken;
        struct timeline_state state_now = {11, 6, 1, 40};
        times.rise_ps = (int64_t)(turns % 5) * 1000003;
        growth.first = (uint32_t)(turns % PERIOD);
        timeline_init(&walked, PS_PER_S / 50, BLOCKS, 8);
        timeline_init(&taken, PS_PER_S / 50, BLOCKS, 8);
        timeline_repeat(&taken, &times, turns, state_now, &growth);
        for (uint64_t turn = 0; turn < turns; turn++) {
            state_now.used_blocks += blocks[(growth.first + turn) % PERIOD];
            state_now.output_tokens += growth.members;
            timeline_set(&walked, step_times_at(&times, turn), state_now);
        }
        assert_memory_equal(walked.kv_bin_ps, taken.kv_bin_ps, sizeof walked.kv_bin_ps);
        assert_true(walked.used_block_ps == taken.used_block_ps);
        assert_true(walked.busy_ps == taken.busy_ps && walked.since_ps == taken.since_ps);
        assert_states_equal(&walked.peak, &taken.peak);
        assert_states_equal(&walked.state, &taken.state);
        assert_int_equal(walked.sample_count, taken.sample_count);
        for (uint64_t i = 0; i < walked.sample_count; i++) {
            assert_int_equal(walked.samples[i].at_ps, taken.samples[i].at_ps);
            assert_states_equal(&walked.samples[i].state, &taken.samples[i].state);
        }
        timeline_clear(&walked);
        timeline_clear(&taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline_integrates_busy_time),
        cmocka_unit_test(test_timeline_repeats_as_it_is_set),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
