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

static void sample_until(struct timeline *timeline, int64_t now_ps)
{
    while (timeline->interval_ps > 0 && timeline->next_sample_ps < now_ps) {
        timeline->samples = memory_grow(timeline->samples, &timeline->sample_capacity,
                                        timeline->sample_count + 1, sizeof timeline->samples[0]);
        timeline->samples[timeline->sample_count++] =
            (struct timeline_sample){.at_ps = timeline->next_sample_ps,
                                     .state = timeline->state,
                                     .output_tokens = timeline->output_tokens};
        timeline->next_sample_ps += timeline->interval_ps;
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void timeline_set(struct timeline *timeline, int64_t now_ps, struct timeline_state state)
{
    int64_t span_ps = now_ps - timeline->since_ps;
    const struct timeline_state *old = &timeline->state;
    assert(span_ps >= 0 && state.running <= timeline->running_limit);
    sample_until(timeline, now_ps);
    if (old->running > 0 || old->waiting > 0) {
        timeline->busy_ps += span_ps;
        timeline->used_block_ps += (double)old->used_blocks * (double)span_ps;
        timeline->running_ps += (double)old->running * (double)span_ps;
        timeline->waiting_ps += (double)old->waiting * (double)span_ps;
        timeline->running_count_ps[old->running] += span_ps;
        timeline
            ->kv_bin_ps[(uint64_t)old->used_blocks * TIMELINE_KV_BINS / timeline->total_blocks] +=
            span_ps;
    }
    timeline->peak.used_blocks = larger(timeline->peak.used_blocks, state.used_blocks);
    timeline->peak.running = larger(timeline->peak.running, state.running);
    timeline->peak.waiting = larger(timeline->peak.waiting, state.waiting);
    timeline->state = state;
    timeline->since_ps = now_ps;
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
    summary.kv_mean = timeline->used_block_ps / timeline->total_blocks / busy;
    summary.kv_share_above_95 = full / busy;
    summary.running_mean = timeline->running_ps / busy;
    summary.waiting_mean = timeline->waiting_ps / busy;
    summary.share_under_quarter = few / busy;
    return summary;
}
