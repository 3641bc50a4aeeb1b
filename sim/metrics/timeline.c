#include "sim/metrics/timeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

void timeline_init(struct timeline *timeline, int64_t interval_ps, uint32_t track_count)
{
    assert(track_count > 0);
    memset(timeline, 0, sizeof *timeline);
    timeline->samples.interval_ps = interval_ps;
    timeline->track_count = track_count;
    timeline->tracks = memory_zeroed(track_count, sizeof timeline->tracks[0]);
}

void timeline_clear(struct timeline *timeline)
{
    free(timeline->samples.kept);
    free(timeline->samples.coming);
    free(timeline->requests.running_count_ps);
    free(timeline->tracks);
    memset(timeline, 0, sizeof *timeline);
}

void timeline_set_track(struct timeline *timeline, uint32_t track, uint32_t total_blocks,
                        uint32_t running_limit)
{
    assert(track < timeline->track_count && total_blocks > 0);
    struct timeline_requests *requests = &timeline->requests;
    timeline->tracks[track].total_blocks = total_blocks;
    timeline->total_blocks += total_blocks;
    requests->running_limit += running_limit;
    free(requests->running_count_ps);
    requests->running_count_ps =
        memory_zeroed((size_t)requests->running_limit + 1, sizeof requests->running_count_ps[0]);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* What changes at 'now_ps' shows in the first sample from then on. */
static struct timeline_change *change_at(struct timeline_samples *samples, int64_t now_ps)
{
    uint64_t number = (uint64_t)((now_ps + samples->interval_ps - 1) / samples->interval_ps);
    assert(number >= samples->taken);
    uint64_t index = number - samples->taken;
    if (index >= samples->coming_count) {
        samples->coming = memory_grow(samples->coming, &samples->coming_capacity, (size_t)index + 1,
                                      sizeof samples->coming[0]);
        memset(&samples->coming[samples->coming_count], 0,
               (index + 1 - samples->coming_count) * sizeof samples->coming[0]);
        samples->coming_count = index + 1;
    }
    return &samples->coming[index];
}

static void take(struct timeline_samples *samples)
{
    struct timeline_sample sample = {.at_ps = (int64_t)samples->taken * samples->interval_ps,
                                     .state = samples->last};
    samples->taken++;
    if (samples->sink.take != NULL) {
        samples->sink.take(samples->sink.context, &sample);
        return;
    }
    samples->kept = memory_grow(samples->kept, &samples->kept_capacity, samples->kept_count + 1,
                                sizeof samples->kept[0]);
    samples->kept[samples->kept_count++] = sample;
}

void timeline_take_samples(struct timeline *timeline, int64_t end_ps)
{
    struct timeline_samples *samples = &timeline->samples;
    uint64_t used = 0;
    while (samples->interval_ps > 0 && (int64_t)samples->taken * samples->interval_ps < end_ps) {
        if (used < samples->coming_count) {
            const struct timeline_change *change = &samples->coming[used++];
            samples->last.used_blocks += (uint32_t)change->used_blocks;
            samples->last.running += (uint32_t)change->running;
            samples->last.waiting += (uint32_t)change->waiting;
            samples->last.output_tokens += change->output_tokens;
        }
        take(samples);
    }
    samples->coming_count -= used;
    if (samples->coming_count > 0) {
        memmove(samples->coming, &samples->coming[used],
                samples->coming_count * sizeof samples->coming[0]);
    }
}

void timeline_change_requests(struct timeline *timeline, uint32_t track, int64_t now_ps,
                              uint32_t running, uint32_t waiting)
{
    struct timeline_requests *all = &timeline->requests;
    struct timeline_track *one = &timeline->tracks[track];
    int64_t span_ps = now_ps - all->since_ps;
    assert(span_ps >= 0);
    if (all->running > 0 || all->waiting > 0) {
        all->busy_ps += span_ps;
        all->running_ps += (uint128)span_ps * all->running;
        all->waiting_ps += (uint128)span_ps * all->waiting;
        all->running_count_ps[all->running] += span_ps;
    }
    if (timeline->samples.interval_ps > 0) {
        struct timeline_change *change = change_at(&timeline->samples, now_ps);
        change->running += (int64_t)running - one->running;
        change->waiting += (int64_t)waiting - one->waiting;
    }
    all->running += running - one->running;
    all->waiting += waiting - one->waiting;
    assert(all->running <= all->running_limit);
    one->running = running;
    one->waiting = waiting;
    all->running_peak = larger(all->running_peak, all->running);
    all->waiting_peak = larger(all->waiting_peak, all->waiting);
    all->since_ps = now_ps;
    timeline->last_ps = ps_max(timeline->last_ps, now_ps);
}

static uint32_t kv_bin(const struct timeline_track *track, uint32_t used_blocks)
{
    return (uint32_t)((uint64_t)used_blocks * TIMELINE_KV_BINS / track->total_blocks);
}

/* From 'now_ps' on the samples count 'usage' instead of what they counted for the instance. */
static void change_usage(struct timeline *timeline, struct timeline_track *track, int64_t now_ps,
                         struct timeline_usage usage)
{
    if (timeline->samples.interval_ps > 0) {
        struct timeline_change *change = change_at(&timeline->samples, now_ps);
        change->used_blocks += (int64_t)usage.used_blocks - track->usage.used_blocks;
        change->output_tokens += usage.output_tokens - track->usage.output_tokens;
    }
    track->usage = usage;
    track->since_ps = now_ps;
    track->peak_blocks = larger(track->peak_blocks, usage.used_blocks);
    timeline->last_ps = ps_max(timeline->last_ps, now_ps);
}

void timeline_set_usage(struct timeline *timeline, uint32_t number, int64_t now_ps,
                        struct timeline_usage usage)
{
    struct timeline_track *track = &timeline->tracks[number];
    int64_t span_ps = now_ps - track->since_ps;
    assert(span_ps >= 0);
    if (track->is_busy) {
        track->busy_ps += span_ps;
        track->used_block_ps += (uint128)span_ps * track->usage.used_blocks;
        track->kv_bin_ps[kv_bin(track, track->usage.used_blocks)] += span_ps;
    }
    track->is_busy = track->running > 0 || track->waiting > 0;
    change_usage(timeline, track, now_ps, usage);
}

static struct timeline_usage usage_after(struct timeline_usage usage, uint64_t step,
                                         const struct periodic_growth *growth)
{
    usage.used_blocks += (uint32_t)periodic_growth_of_steps(growth, step + 1);
    usage.output_tokens += (step + 1) * growth->members;
    return usage;
}

/* Sum over the steps from 1 to 'last' of the blocks taken times the time since the first step. */
static uint128 block_delays_ps(const struct step_times *times, uint64_t last,
                               const struct periodic_growth *growth)
{
    uint64_t periods = last / growth->period;
    uint64_t left = last - periods * growth->period;
    uint64_t first_gaps = 0;
    uint128 gaps = 0;
    uint128 rises = 0;
    uint32_t place = growth->first;
    for (uint64_t i = 1; i <= growth->period && i <= last; i++) {
        place = place + 1 < growth->period ? place + 1 : 0;
        uint64_t blocks = growth->blocks[place];
        if (blocks > 0) {
            struct step_delays delays =
                step_delays_of(i, growth->period, i <= left ? periods + 1 : periods);
            first_gaps += blocks * delays.first_gaps;
            gaps += (uint128)blocks * delays.gaps;
            rises += (uint128)blocks * delays.rises;
        }
    }
    return (uint128)first_gaps * (uint64_t)times->first_gap_ps + gaps * (uint64_t)times->gap_ps +
           rises * (uint128)times->rise_ps; /* modulo 2^128: gaps may fall */
}

/* A step of a run of which each takes blocks, and what is used once it has taken its own. */
struct growth_place {
    uint64_t step;
    uint64_t used;
    uint32_t place; /* in the period */
};

/* Goes on to the first step that uses 'beyond' blocks, at most to step 'last'. */
static void grow_to(struct growth_place *at, const struct periodic_growth *growth, uint64_t beyond,
                    uint64_t last)
{
    assert(at->used < beyond && at->step < last);
    uint64_t room = beyond - 1 - at->used;
    uint64_t periods = growth->sum == 0 ? UINT64_MAX : room < growth->sum ? 0 : room / growth->sum;
    if (periods > (last - at->step) / growth->period) {
        at->step = last;
        return;
    }
    at->step += periods * growth->period;
    at->used += periods * growth->sum;
    while (at->used < beyond && at->step < last) {
        at->place = at->place + 1 < growth->period ? at->place + 1 : 0;
        at->used += growth->blocks[at->place];
        at->step++;
    }
}

/* Time at each thousandth of the blocks, from the first step to the last. */
static void add_kv_bins(struct timeline_track *track, const struct step_times *times, uint64_t last,
                        uint32_t used_before, const struct periodic_growth *growth)
{
    struct growth_place at = {.used = (uint64_t)used_before + growth->blocks[growth->first],
                              .place = growth->first};
    int64_t since_ps = times->first_ps;
    while (at.step < last) {
        uint32_t bin = kv_bin(track, (uint32_t)at.used);
        uint64_t beyond =
            ((uint64_t)(bin + 1) * track->total_blocks + TIMELINE_KV_BINS - 1) / TIMELINE_KV_BINS;
        grow_to(&at, growth, beyond, last);
        int64_t end_ps = step_times_at(times, at.step);
        track->kv_bin_ps[bin] += end_ps - since_ps;
        since_ps = end_ps;
    }
}

/* What the samples see of the steps after the first: at each the last step up to its instant. */
static void sample_steps(struct timeline *timeline, struct timeline_track *track,
                         const struct step_times *times, uint64_t steps,
                         struct timeline_usage usage, const struct periodic_growth *growth)
{
    int64_t interval_ps = timeline->samples.interval_ps;
    int64_t last_ps = step_times_at(times, steps - 1);
    int64_t at_ps = (times->first_ps + interval_ps - 1) / interval_ps * interval_ps;
    for (; at_ps < last_ps; at_ps += interval_ps) {
        uint64_t step = step_times_before(times, at_ps + 1, steps) - 1;
        if (step > 0) {
            change_usage(timeline, track, at_ps, usage_after(usage, step, growth));
        }
    }
}

void timeline_repeat_usage(struct timeline *timeline, uint32_t number,
                           const struct step_times *times, uint64_t steps,
                           struct timeline_usage usage, const struct periodic_growth *growth)
{
    struct timeline_track *track = &timeline->tracks[number];
    uint64_t last = steps - 1;
    timeline_set_usage(timeline, number, times->first_ps, usage_after(usage, 0, growth));
    assert(track->is_busy);
    struct timeline_usage last_usage = usage_after(usage, last, growth);
    int64_t last_ps = step_times_at(times, last);
    int64_t span_ps = last_ps - times->first_ps;
    track->busy_ps += span_ps;
    track->used_block_ps +=
        (uint128)span_ps * last_usage.used_blocks - block_delays_ps(times, last, growth);
    add_kv_bins(track, times, last, usage.used_blocks, growth);
    if (timeline->samples.interval_ps > 0) {
        sample_steps(timeline, track, times, steps, usage, growth);
    }
    change_usage(timeline, track, last_ps, last_usage);
}

/* Utilization that a share 'quantile' of the busy time of all instances does not exceed. */
static double kv_quantile(const int64_t *bins_ps, double busy_ps, double quantile)
{
    double wanted = quantile * busy_ps;
    double seen = 0;
    for (uint32_t bin = 0; bin <= TIMELINE_KV_BINS; bin++) {
        seen += (double)bins_ps[bin];
        if (seen > 0 && seen >= wanted) {
            return (double)bin / TIMELINE_KV_BINS;
        }
    }
    return 0;
}

static void summarize_kv(const struct timeline *timeline, struct timeline_summary *summary)
{
    int64_t bins_ps[TIMELINE_KV_BINS + 1] = {0};
    int64_t busy_ps = 0;
    double used = 0;
    for (uint32_t i = 0; i < timeline->track_count; i++) {
        const struct timeline_track *track = &timeline->tracks[i];
        double peak = (double)track->peak_blocks / track->total_blocks;
        summary->kv_peak = peak > summary->kv_peak ? peak : summary->kv_peak;
        busy_ps += track->busy_ps;
        used += (double)track->used_block_ps / track->total_blocks;
        for (uint32_t bin = 0; bin <= TIMELINE_KV_BINS; bin++) {
            bins_ps[bin] += track->kv_bin_ps[bin];
        }
    }
    double busy = (double)busy_ps;
    double full = 0;
    for (uint32_t bin = TIMELINE_KV_BINS * 95 / 100; bin <= TIMELINE_KV_BINS; bin++) {
        full += (double)bins_ps[bin];
    }
    summary->kv_volatility = kv_quantile(bins_ps, busy, 0.99) - kv_quantile(bins_ps, busy, 0.01);
    if (busy_ps > 0) {
        summary->kv_mean = used / busy;
        summary->kv_share_above_95 = full / busy;
    }
}

struct timeline_summary timeline_summarize(const struct timeline *timeline)
{
    const struct timeline_requests *requests = &timeline->requests;
    struct timeline_summary summary = {
        .busy_s = s_from_ps(requests->busy_ps),
        .running_peak = requests->running_peak,
        .waiting_peak = requests->waiting_peak,
    };
    summarize_kv(timeline, &summary);
    if (requests->busy_ps == 0) {
        return summary;
    }
    double busy = (double)requests->busy_ps;
    double few = 0;
    for (uint32_t count = 0; 4 * count < requests->running_peak; count++) {
        few += (double)requests->running_count_ps[count];
    }
    summary.running_mean = (double)requests->running_ps / busy;
    summary.waiting_mean = (double)requests->waiting_ps / busy;
    summary.share_under_quarter = few / busy;
    return summary;
}

double timeline_track_kv_mean(const struct timeline_track *track)
{
    double busy = (double)track->busy_ps;
    return busy > 0 ? (double)track->used_block_ps / track->total_blocks / busy : 0;
}
