#include "tests/unit/check.h"

#include "sim/metrics/timeline.h"

static void set_state(struct timeline *timeline, uint32_t track, int64_t now_ps,
                      struct timeline_state state)
{
    timeline_set_requests(timeline, track, now_ps, state.running, state.waiting);
    timeline_set_usage(timeline, track, now_ps,
                       (struct timeline_usage){state.used_blocks, state.output_tokens});
}

static void test_timeline_integrates_busy_time(void **state)
{
    (void)state;
    struct timeline timeline;
    timeline_init(&timeline, PS_PER_S, 1);
    timeline_set_track(&timeline, 0, 100, 8);
    set_state(&timeline, 0, 2 * PS_PER_S, (struct timeline_state){20, 4, 0, 0});
    set_state(&timeline, 0, 3 * PS_PER_S, (struct timeline_state){100, 8, 2, 0});
    set_state(&timeline, 0, 6 * PS_PER_S, (struct timeline_state){0, 0, 0, 0});
    timeline_take_samples(&timeline, timeline.last_ps);
    struct timeline_summary summary = timeline_summarize(&timeline);
    assert_near(summary.busy_s, 4, 1e-12);
    assert_near(summary.kv_mean, (0.2 + 3 * 1.0) / 4, 1e-12);
    assert_near(summary.kv_peak, 1, 0);
    assert_near(summary.kv_share_above_95, 0.75, 1e-12);
    assert_near(summary.kv_volatility, 0.8, 1e-12);
    assert_near(summary.running_mean, (4 + 3 * 8) / 4.0, 1e-12);
    assert_int_equal(summary.waiting_peak, 2);
    assert_near(summary.share_under_quarter, 0, 0);
    assert_int_equal(timeline.samples.kept_count, 6);
    assert_int_equal(timeline.samples.kept[1].state.running, 0);
    assert_int_equal(timeline.samples.kept[2].state.running, 4);
    assert_int_equal(timeline.samples.kept[5].state.running, 8);
    timeline_clear(&timeline);
}

/* Requests of all instances together, blocks of each against its own; one may be told of late. */
static void test_timeline_of_two_instances(void **state)
{
    (void)state;
    struct timeline timeline;
    timeline_init(&timeline, PS_PER_S, 2);
    timeline_set_track(&timeline, 0, 100, 8);
    timeline_set_track(&timeline, 1, 10, 2);
    assert_int_equal(timeline.total_blocks, 110);
    set_state(&timeline, 0, PS_PER_S / 2, (struct timeline_state){50, 4, 0, 0});
    timeline_set_requests(&timeline, 1, 3 * PS_PER_S / 2, 1, 1);
    set_state(&timeline, 0, 5 * PS_PER_S / 2, (struct timeline_state){0, 0, 0, 30});
    timeline_take_samples(&timeline, 3 * PS_PER_S / 2);
    timeline_set_usage(&timeline, 1, 3 * PS_PER_S / 2, (struct timeline_usage){10, 0});
    timeline_set_usage(&timeline, 1, 2 * PS_PER_S, (struct timeline_usage){5, 7});
    set_state(&timeline, 1, 7 * PS_PER_S / 2, (struct timeline_state){0, 0, 0, 9});
    timeline_take_samples(&timeline, timeline.last_ps);
    struct timeline_summary summary = timeline_summarize(&timeline);
    assert_near(summary.busy_s, 3, 1e-12);
    assert_near(summary.running_mean, (4 + 5 + 1) / 3.0, 1e-12);
    assert_int_equal(summary.running_peak, 5);
    assert_near(summary.kv_peak, 1, 0);
    assert_near(summary.kv_mean, (2 * 0.5 + 0.5 * 1 + 1.5 * 0.5) / 4, 1e-12);
    assert_near(summary.kv_share_above_95, 0.5 / 4, 1e-12);
    static const struct timeline_state expected[] = {
        {0, 0, 0, 0}, {50, 4, 0, 0}, {55, 5, 1, 7}, {5, 1, 1, 37}};
    assert_int_equal(timeline.samples.kept_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct timeline_sample *sample = &timeline.samples.kept[i];
        assert_true(sample->at_ps == i * PS_PER_S);
        assert_int_equal(sample->state.used_blocks, expected[i].used_blocks);
        assert_int_equal(sample->state.running, expected[i].running);
        assert_int_equal(sample->state.waiting, expected[i].waiting);
        assert_int_equal(sample->state.output_tokens, expected[i].output_tokens);
    }
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

static void assert_timelines_equal(const struct timeline *a, const struct timeline *b)
{
    const struct timeline_track *one = &a->tracks[0];
    const struct timeline_track *other = &b->tracks[0];
    assert_memory_equal(one->kv_bin_ps, other->kv_bin_ps, sizeof one->kv_bin_ps);
    assert_true(one->used_block_ps == other->used_block_ps);
    assert_true(one->busy_ps == other->busy_ps && one->since_ps == other->since_ps);
    assert_int_equal(one->peak_blocks, other->peak_blocks);
    assert_int_equal(one->usage.used_blocks, other->usage.used_blocks);
    assert_int_equal(one->usage.output_tokens, other->usage.output_tokens);
    assert_int_equal(a->samples.kept_count, b->samples.kept_count);
    for (uint64_t i = 0; i < a->samples.kept_count; i++) {
        assert_int_equal(a->samples.kept[i].at_ps, b->samples.kept[i].at_ps);
        assert_states_equal(&a->samples.kept[i].state, &b->samples.kept[i].state);
    }
}

/* Steps at once leave the same behind as step by step, wherever they are cut. */
static void test_timeline_repeats_as_it_is_set(void **state)
{
    (void)state;
    enum { PERIOD = 4, BLOCKS = 500 };
    static const uint32_t blocks[PERIOD] = {3, 0, 1, 2};
    struct periodic_growth growth = {.blocks = blocks, .period = PERIOD, .sum = 6, .members = 4};
    struct step_times times = {
        .first_ps = PS_PER_S / 3, .first_gap_ps = PS_PER_MS, .gap_ps = 7 * PS_PER_MS};
    for (uint64_t steps = 1; steps < 200; steps++) {
        struct timeline stepwise;
        struct timeline at_once;
        struct timeline_usage usage = {11, 40};
        times.rise_ps = (int64_t)(steps % 5) * 1000003;
        growth.first = (uint32_t)(steps % PERIOD);
        timeline_init(&stepwise, PS_PER_S / 50, 1);
        timeline_set_track(&stepwise, 0, BLOCKS, 8);
        timeline_init(&at_once, PS_PER_S / 50, 1);
        timeline_set_track(&at_once, 0, BLOCKS, 8);
        timeline_set_requests(&stepwise, 0, times.first_ps, 6, 1);
        timeline_set_requests(&at_once, 0, times.first_ps, 6, 1);
        timeline_repeat_usage(&at_once, 0, &times, steps, usage, &growth);
        for (uint64_t step = 0; step < steps; step++) {
            usage.used_blocks += blocks[(growth.first + step) % PERIOD];
            usage.output_tokens += growth.members;
            timeline_set_usage(&stepwise, 0, step_times_at(&times, step), usage);
        }
        timeline_take_samples(&stepwise, stepwise.last_ps);
        timeline_take_samples(&at_once, at_once.last_ps);
        assert_timelines_equal(&stepwise, &at_once);
        timeline_clear(&stepwise);
        timeline_clear(&at_once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline_integrates_busy_time),
        cmocka_unit_test(test_timeline_of_two_instances),
        cmocka_unit_test(test_timeline_of_two_instances),
        cmocka_unit_test(test_timeline_repeats_as_it_is_set),
    };
    return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
