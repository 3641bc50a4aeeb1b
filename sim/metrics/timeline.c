#include "sim/metrics/timeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

void timeline_init(struct timeline *timeline, int64_t interval_ps, uint32_t total_blocks,
                   uint32_t running_limit)
{
    assert(total_blocks > 0);
    memset(timeline, 0, sizeof *timeline);
    timeline->interval_ps = interval_ps;
    timeline->total_blocks = total_blocks;
    timeline->running_limit = running_limit;
    timeline->running_count_ps =
        memory_zeroed((size_t)running_limit + 1, sizeof timeline->running_count_ps[0]);
}

void timeline_clear(struct timeline *timeline)
{
    free(timeline->samples);
    free(timeline->running_count_ps);
    memset(timeline, 0, sizeof *timeline);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void note_peak(struct timeline *timeline, const struct timeline_state *state)
{
    assert(state->running <= timeline->running_limit);
    timeline->peak.used_blocks = larger(timeline->peak.used_blocks, state->used_blocks);
    timeline->peak.running = larger(timeline->peak.running, state->running);
    timeline->peak.waiting = larger(timeline->peak.waiting, state->waiting);
}

static void add_sample(struct timeline *timeline, struct timeline_state state)
{
    struct timeline_sample sample = {.at_ps = timeline->next_sample_ps, .state = state};
    timeline->next_sample_ps += timeline->interval_ps;
    if (timeline->sink.take != NULL) {
        timeline->sink.take(timeline->sink.context, &sample);
        return;
    }
    timeline->samples = memory_grow(timeline->samples, &timeline->sample_capacity,
                                    timeline->sample_count + 1, sizeof timeline->samples[0]);
    timeline->samples[timeline->sample_count++] = sample;
}

static uint32_t kv_bin(const struct timeline *timeline, uint32_t used_blocks)
{
    return (uint32_t)((uint64_t)used_blocks * TIMELINE_KV_BINS / timeline->total_blocks);
}

void timeline_set(struct timeline *timeline, int64_t now_ps, struct timeline_state state)
{
    int64_t span_ps = now_ps - timeline->since_ps;
    const struct timeline_state *old = &timeline->state;
    assert(span_ps >= 0);
    while (timeline->interval_ps > 0 && timeline->next_sample_ps < now_ps) {
        add_sample(timeline, *old);
    }
    if (old->running > 0 || old->waiting > 0) {
        timeline->busy_ps += span_ps;
        timeline->used_block_ps += (uint128)span_ps * old->used_blocks;
        timeline->running_ps += (uint128)span_ps * old->running;
        timeline->waiting_ps += (uint128)span_ps * old->waiting;
        timeline->running_count_ps[old->running] += span_ps;
        timeline->kv_bin_ps[kv_bin(timeline, old->used_blocks)] += span_ps;
    }
    note_peak(timeline, &state);
    timeline->state = state;
    timeline->since_ps = now_ps;
}

static struct timeline_state state_after(struct timeline_state state, uint64_t step,
                                         const struct periodic_growth *growth)
{
    state.used_blocks += (uint32_t)periodic_growth_of_steps(growth, step + 1);
    state.output_tokens += (step + 1) * growth->members;
    return state;
}

/* Sum over the steps from 1 to 'last' of the blocks taken times the time since the first step. */
static uint128 block_delays_ps(const struct step_times *times, uint64_t last,
                               const struct periodic_growth *growth)
{
    uint128 sum = 0;
    uint64_t periods = last / growth->period;
    uint64_t left = last - periods * growth->period;
    uint32_t place = growth->first;
    for (uint64_t i = 1; i <= growth->period && i <= last; i++) {
        place = place + 1 < growth->period ? place + 1 : 0;
        uint64_t terms = i <= left ? periods + 1 : periods;
        sum += growth->blocks[place] * step_times_delays_ps(times, i, growth->period, terms);
    }
    return sum;
}

/* Time at each thousandth of the blocks, from the first step to the last. */
static void add_kv_bins(struct timeline *timeline, const struct step_times *times, uint64_t last,
                        uint32_t used_before, const struct periodic_growth *growth)
{
    uint64_t step = 0;
    uint32_t used = used_before + growth->blocks[growth->first];
    while (step < last) {
        uint32_t bin = kv_bin(timeline, used);
        uint64_t next_used = ((uint64_t)(bin + 1) * timeline->total_blocks + TIMELINE_KV_BINS - 1) /
                             TIMELINE_KV_BINS;
        /* the step after the last that stays below */
        uint64_t end = periodic_growth_steps_within(growth, next_used - used_before - 1);
        end = end < last ? end : last;
        timeline->kv_bin_ps[bin] += step_times_at(times, end) - step_times_at(times, step);
        used = used_before + (uint32_t)periodic_growth_of_steps(growth, end + 1);
        step = end;
    }
}

void timeline_repeat(struct timeline *timeline, const struct step_times *times, uint64_t steps,
                     struct timeline_state state, const struct periodic_growth *growth)
{
    uint64_t last = steps - 1;
    struct timeline_state first_state = state_after(state, 0, growth);
    struct timeline_state last_state = state_after(state, last, growth);
    timeline_set(timeline, times->first_ps, first_state);
    int64_t last_ps = step_times_at(times, last);
    int64_t span_ps = last_ps - times->first_ps;
    while (timeline->interval_ps > 0 && timeline->next_sample_ps < last_ps) {
        /* a step at the very instant counts: the state is the one after it */
        uint64_t step = step_times_before(times, timeline->next_sample_ps + 1, steps) - 1;
        add_sample(timeline, state_after(state, step, growth));
    }
    timeline->busy_ps += span_ps;
    timeline->used_block_ps +=
        (uint128)span_ps * last_state.used_blocks - block_delays_ps(times, last, growth);
    timeline->running_ps += (uint128)span_ps * state.running;
    timeline->waiting_ps += (uint128)span_ps * state.waiting;
    timeline->running_count_ps[state.running] += span_ps;
    add_kv_bins(timeline, times, last, state.used_blocks, growth);
    note_peak(timeline, &last_state);
    timeline->state = last_state;
    timeline->since_ps = last_ps;
}

/* Utilization that a share 'quantile' of the busy time does not exceed. */
static double kv_quantile(const struct timeline *timeline, double quantile)
{
    double wanted = quantile * (double)timeline->busy_ps;
    double seen = 0;
    for (uint32_t bin = 0; bin <= TIMELINE_KV_BINS; bin++) {
        seen += (double)timeline->kv_bin_ps[bin];
        if (seen > 0 && seen >= wanted) {
            return (double)bin / TIMELINE_KV_BINS;
        }
    }
    return 0;
}

struct timeline_summary timeline_summarize(const struct timeline *timeline)
{
    struct timeline_summary summary = {
        .busy_s = s_from_ps(timeline->busy_ps),
        .kv_peak = (double)timeline->peak.used_blocks / timeline->total_blocks,
        .kv_volatility = kv_quantile(timeline, 0.99) - kv_quantile(timeline, 0.01),
        .running_peak = timeline->peak.running,
        .waiting_peak = timeline->peak.waiting,
    };
    if (timeline->busy_ps == 0) {
        return summary;
    }
    double busy = (double)timeline->busy_ps;
    double full = 0;
    for (uint32_t bin = TIMELINE_KV_BINS * 95 / 100; bin <= TIMELINE_KV_BINS; bin++) {
        full += (double)timeline->kv_bin_ps[bin];
    }
    double few = 0;
    for (uint32_t count = 0; 4 * count < timeline->peak.running; count++) {
        few += (double)timeline->running_count_ps[count];
    }
    summary.kv_mean = (double)timeline->used_block_ps / timeline->total_blocks / busy;
    summary.kv_share_above_95 = full / busy;
    summary.running_mean = (double)timeline->running_ps / busy;
    summary.waiting_mean = (double)timeline->waiting_ps / busy;
    summary.share_under_quarter = few / busy;
    return summary;
}
