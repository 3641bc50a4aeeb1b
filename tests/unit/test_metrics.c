#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/metrics/histogram.h"
#include "sim/metrics/interval.h"
#include "sim/metrics/latency.h"
#include "sim/metrics/samples.h"
#include "sim/metrics/timeline.h"

static void test_histogram_error_is_bounded(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    struct samples exact;
    samples_init(&exact);
    struct random_stream *random = random_create(3, "test");
    for (int i = 0; i < 50000; i++) {
        int64_t value = ps_from_s(random_gamma(random, 2, 0.01));
        histogram_add(&histogram, value, 1);
        samples_add(&exact, s_from_ps(value));
    }
    random_destroy(random);
    for (double q = 0.01; q < 1; q += 0.07) {
        double expected = samples_quantile(&exact, q);
        assert_near(histogram_quantile_s(&histogram, q) / expected, 1, 0.009);
    }
    assert_near(histogram_mean_s(&histogram), samples_mean(&exact), 1e-9);
    samples_clear(&exact);
}

static void test_histogram_extremes(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    assert_true(isnan(histogram_quantile_s(&histogram, 0.5)));
    histogram_add(&histogram, 0, 1);
    histogram_add(&histogram, INT64_MAX, 1);
    assert_near(histogram_quantile_s(&histogram, 0.5), 0, 0);
    assert_near(histogram_quantile_s(&histogram, 1) / s_from_ps(INT64_MAX), 1, 0.01);
}

/* A progression counts as its terms one by one, also where it crosses buckets. */
static void test_histogram_progression(void **state)
{
    (void)state;
    static struct histogram one_by_one;
    static struct histogram at_once;
    struct random_stream *random = random_create(5, "progression");
    for (int trial = 0; trial < 300; trial++) {
        memset(&one_by_one, 0, sizeof one_by_one);
        memset(&at_once, 0, sizeof at_once);
        int64_t first_ps = random_below(random, 3) == 0 ? random_below(random, 200)
                                                        : random_below(random, 1u << 30) * 1000LL;
        int64_t rise_ps = random_below(random, 4) == 0 ? 0 : random_below(random, 1u << 24);
        uint32_t terms = 1 + random_below(random, 400);
        for (uint32_t i = 0; i < terms; i++) {
            histogram_add(&one_by_one, first_ps + rise_ps * i, 3);
        }
        histogram_add_progression(&at_once, first_ps, rise_ps, terms, 3);
        assert_memory_equal(&one_by_one, &at_once, sizeof at_once);
    }
    random_destroy(random);
}

/* Few durations are exact; beyond the limit the same numbers come within a bucket. */
static void test_latency_turns_coarse(void **state)
{
    (void)state;
    struct latency exact;
    struct latency coarse;
    latency_init(&exact, 5000);
    latency_init(&coarse, 100);
    for (int64_t i = 0; i < 5000; i++) {
        int64_t duration_ps = (i * 7919 % 5000 + 1) * PS_PER_MS;
        latency_add(&exact, duration_ps);
        latency_add(&coarse, duration_ps);
    }
    assert_null(exact.coarse);
    assert_non_null(coarse.coarse);
    struct distribution a = latency_distribution(&exact);
    struct distribution b = latency_distribution(&coarse);
    assert_near(a.p50, 2.5005, 1e-9);
    assert_near(a.mean, 2.5005, 1e-9);
    assert_near(b.mean, a.mean, 0);
    assert_near(b.max, a.max, 0);
    assert_near(b.p50 / a.p50, 1, 0.008);
    assert_near(b.p90 / a.p90, 1, 0.008);
    assert_near(b.p99 / a.p99, 1, 0.008);
    latency_clear(&exact);
    latency_clear(&coarse);
}

static void test_samples_match_numpy(void **state)
{
    (void)state;
    struct samples samples;
    samples_init(&samples);
    assert_true(isnan(samples_quantile(&samples, 0.5)));
    for (int i = 10; i >= 1; i--) {
        samples_add(&samples, i);
    }
    assert_near(samples_quantile(&samples, 0.9), 9.1, 1e-12);
    assert_near(samples_quantile(&samples, 0.5), 5.5, 1e-12);
    samples_add(&samples, 100);
    assert_near(samples_quantile(&samples, 1), 100, 0);
    samples_clear(&samples);
}

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

/* Of normal numbers, 19 in 20 next ones lie inside; few values, NAN or wide. */
static void test_prediction_intervals(void **state)
{
    (void)state;
    uint64_t key = random_key(1, "intervals");
    uint32_t inside = 0;
    for (uint32_t trial = 0; trial < 2000; trial++) {
        double values[8];
        for (uint32_t i = 0; i < 8; i++) {
            values[i] = 10 + random_normal_at(key, trial * 9 + i);
        }
        struct interval interval = interval_predict(values, 8, 0.95);
        double next = 10 + random_normal_at(key, trial * 9 + 8);
        inside += next >= interval.low && next <= interval.high;
    }
    assert_near(inside / 2000.0, 0.95, 0.015);
    double one[] = {3};
    assert_true(isnan(interval_predict(one, 1, 0.95).low));
    double counts[] = {0, 0, 1};
    assert_near(interval_predict(counts, 3, 0.95).low, 0, 0);
}

static void test_skewed_values_use_their_quantiles(void **state)
{
    (void)state;
    double values[40];
    for (int i = 0; i < 40; i++) {
        values[i] = i < 38 ? 1 : 1000;
    }
    assert_near(interval_predict(values, 40, 0.9).low, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_error_is_bounded),
        cmocka_unit_test(test_histogram_extremes),
        cmocka_unit_test(test_histogram_progression),
        cmocka_unit_test(test_latency_turns_coarse),
        cmocka_unit_test(test_samples_match_numpy),
        cmocka_unit_test(test_timeline_integrates_busy_time),
        cmocka_unit_test(test_timeline_repeats_as_it_is_set),
        cmocka_unit_test(test_prediction_intervals),
        cmocka_unit_test(test_skewed_values_use_their_quantiles),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
