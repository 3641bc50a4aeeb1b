/* The state of an instance over time: KV utilization, running and waiting requests. It is told of
 * each change, keeps time-weighted statistics, and samples the state at a fixed interval. */
#ifndef SIM_METRICS_TIMELINE_H
#define SIM_METRICS_TIMELINE_H

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

struct timeline_sample {
    int64_t at_ps;
    struct timeline_state state;
};

/* Where samples go; 'take' NULL: they are kept. */
struct timeline_sink {
    void *context;
    void (*take)(void *context, const struct timeline_sample *sample);
};

struct timeline {
    int64_t interval_ps; /* 0: no samples */
    uint32_t total_blocks;
    struct timeline_state state;
    int64_t since_ps; /* of the state */
    int64_t next_sample_ps;
    struct timeline_sink sink;
    struct timeline_sample *samples; /* unless a sink takes them */
    uint64_t sample_count;
    size_t sample_capacity;

    /* over the busy time: while requests run or wait */
    int64_t busy_ps;
    uint128 used_block_ps; /* integrals */
    uint128 running_ps;
    uint128 waiting_ps;
    int64_t kv_bin_ps[TIMELINE_KV_BINS + 1]; /* time spent at each thousandth of the blocks */
    int64_t *running_count_ps;               /* time spent at each number running */
    uint32_t running_limit;
    struct timeline_state peak;
};

struct timeline_summary {
    double busy_s;
    double kv_mean;
    double kv_peak;
    double kv_share_above_95; /* share of busy time with utilization >= 0.95 */
    double kv_volatility;     /* p99 - p1 of utilization over the busy time */
    double running_mean;
    uint32_t running_peak;
    double waiting_mean;
    uint32_t waiting_peak;
    double share_under_quarter; /* busy time with fewer than a quarter of the peak running */
};

void timeline_init(struct timeline *timeline, int64_t interval_ps, uint32_t total_blocks,
                   uint32_t running_limit);
void timeline_clear(struct timeline *timeline);
/* From 'now_ps' on the state is 'state'; time does not go back. */
void timeline_set(struct timeline *timeline, int64_t now_ps, struct timeline_state state);
/* The same as timeline_set at each step, with 'state' as it was before the first of them. */
void timeline_repeat(struct timeline *timeline, const struct step_times *times, uint64_t steps,
                     struct timeline_state state, const struct periodic_growth *growth);
struct timeline_summary timeline_summarize(const struct timeline *timeline);

#endif
