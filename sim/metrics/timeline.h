/* The state of a run over time: running and waiting requests of all instances together, KV blocks
 * instance by instance. It is told of each change, keeps time-weighted statistics, and samples the
 * state at a fixed interval.
 *
 * Requests change in the order of time. The blocks of one instance do too, but one instance may be
 * told of later than another: what a sample lacks is added to it until the sample is taken. */
#ifndef SIM_METRICS_TIMELINE_H
#define SIM_METRICS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/periodic_growth.h"
#include "sim/base/step_times.h"
#include "sim/base/units.h"
#include "sim/metrics/samples.h"

enum { TIMELINE_KV_BINS = 1000 };

struct timeline_state {
    uint32_t used_blocks;
    uint32_t running;
    uint32_t waiting;
    uint64_t output_tokens; /* since the start */
};

/* What of it each instance changes by itself. */
struct timeline_usage {
    uint32_t used_blocks;
    uint64_t output_tokens;
};

/* By how much the state at one sample differs from that at the sample before. */
struct timeline_change {
    int64_t used_blocks;
    int64_t running;
    int64_t waiting;
    uint64_t output_tokens;
};

struct timeline_sample {
    int64_t at_ps;
    struct timeline_state state;
};

/* Where samples go; 'take' NULL: they are kept. */
struct timeline_sink {
    void *context;
    void (*take)(void *context, const struct timeline_sample *sample);
};

/* Running and waiting requests, over the time in which there are any. */
struct timeline_requests {
    uint32_t running;
    uint32_t waiting;
    int64_t since_ps;
    int64_t busy_ps;
    uint128 running_ps; /* integrals */
    uint128 waiting_ps;
    int64_t *running_count_ps; /* time spent at each number running */
    uint32_t running_limit;
    uint32_t running_peak;
    uint32_t waiting_peak;
};

/* The samples: those taken, and what is known of those to come. */
struct timeline_samples {
    int64_t interval_ps; /* 0: none are taken */
    struct timeline_sink sink;
    struct timeline_sample *kept; /* unless a sink takes them */
    uint64_t kept_count;
    size_t kept_capacity;
    struct timeline_state last; /* as of the last sample taken */
    uint64_t taken;
    struct timeline_change *coming; /* the first: at 'taken' intervals */
    uint64_t coming_count;
    size_t coming_capacity;
};

/* The blocks of one instance, over the time in which it has requests. */
struct timeline_track {
    uint32_t total_blocks;
    uint32_t running; /* as of its last scheduling pass */
    uint32_t waiting;
    bool is_busy; /* since 'since_ps' */
    struct timeline_usage usage;
    int64_t since_ps;
    int64_t busy_ps;
    uint128 used_block_ps;
    uint32_t peak_blocks;
    int64_t kv_bin_ps[TIMELINE_KV_BINS + 1]; /* time spent at each thousandth of the blocks */
};

struct timeline {
    uint32_t total_blocks; /* of all instances */
    struct timeline_requests requests;
    struct timeline_samples samples;
    struct timeline_track *tracks; /* by instance */
    uint32_t track_count;
    int64_t last_ps; /* the latest change so far */
};

struct timeline_summary {
    double busy_s;            /* some instance has requests */
    double kv_mean;           /* over the busy times of all instances, as what follows */
    double kv_peak;           /* of any instance */
    double kv_share_above_95; /* share of busy time with utilization >= 0.95 */
    double kv_volatility;     /* p99 - p1 of utilization */
    double running_mean;
    uint32_t running_peak;
    double waiting_mean;
    uint32_t waiting_peak;
    double share_under_quarter; /* busy time with fewer than a quarter of the peak running */
};

/* For 'track_count' instances, which timeline_set_track then describes. */
void timeline_init(struct timeline *timeline, int64_t interval_ps, uint32_t track_count);
void timeline_clear(struct timeline *timeline);
/* An instance of so many blocks that runs so many requests at most. */
void timeline_set_track(struct timeline *timeline, uint32_t track, uint32_t total_blocks,
                        uint32_t running_limit);

/* From 'now_ps' on an instance runs another number of requests, or another number waits. */
void timeline_change_requests(struct timeline *timeline, uint32_t track, int64_t now_ps,
                              uint32_t running, uint32_t waiting);
/* The same where most often neither is another number. */
static inline void timeline_set_requests(struct timeline *timeline, uint32_t track, int64_t now_ps,
                                         uint32_t running, uint32_t waiting)
{
    const struct timeline_track *one = &timeline->tracks[track];
    if (running == one->running && waiting == one->waiting) {
        timeline->last_ps = ps_max(timeline->last_ps, now_ps);
    } else {
        timeline_change_requests(timeline, track, now_ps, running, waiting);
    }
}
/* From 'now_ps' on an instance uses so many blocks; it has the requests last set. */
void timeline_set_usage(struct timeline *timeline, uint32_t track, int64_t now_ps,
                        struct timeline_usage usage);
/* The same at each step of an instance that decodes, with 'usage' as it was before the first. */
void timeline_repeat_usage(struct timeline *timeline, uint32_t track,
                           const struct step_times *times, uint64_t steps,
                           struct timeline_usage usage, const struct periodic_growth *growth);

/* Takes the samples before 'end_ps', of which all changes have been told. */
void timeline_take_samples(struct timeline *timeline, int64_t end_ps);

struct timeline_summary timeline_summarize(const struct timeline *timeline);

/* The share of its blocks that an instance uses, mean over the time in which it has requests; 0
 * where it never has. */
double timeline_track_kv_mean(const struct timeline_track *track);

#endif
