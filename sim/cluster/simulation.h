/* One run: requests through a client to the instances of a cluster, until all are done. */
#ifndef SIM_CLUSTER_SIMULATION_H
#define SIM_CLUSTER_SIMULATION_H

#include "sim/cluster/client.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/kv_transfer.h"
#include "sim/cluster/request_feed.h"
#include "sim/metrics/rate_window.h"
#include "sim/metrics/run_summary.h"
#include "sim/serving/step_record.h"

/* For setting a run beside a measured one: when the loop goes on instead of when it is priced to.
 */
struct simulation_pace {
    void *context;
    int64_t (*next_iteration_ps)(void *context, int64_t now_ps, int64_t priced_ps); /* or NULL */
};

struct simulation_settings {
    const struct instance_group *groups; /* at least one instance; requests enter by the first's */
    uint32_t group_count;                /* front end */
    struct kv_link kv_link;
    struct client_settings client;
    struct slo slo;
    size_t exact_limit;           /* latencies kept for exact percentiles; 0: the usual number */
    int64_t timeline_interval_ps; /* 0: no samples */
    struct timeline_sink timeline_sink;
    bool stepwise; /* make each step by itself: the reference that fast-forwarding must equal */
    bool noise;    /* draw how far steps and launches lie from their prices */
    uint64_t seed; /* of the noise */
    struct observer_list observers;
    struct simulation_pace pace; /* if there is one, the run is stepwise */
};

struct simulation_counts {
    uint64_t rejected;
    uint64_t finished;
    uint64_t events; /* handled; fast-forwarding has fewer */
};

struct simulation;

/* Borrows the settings' pointers and what the feed refers to until destroyed. */
struct simulation *simulation_create_fed(const struct simulation_settings *settings,
                                         const struct request_feed *feed);
/* With requests of an array, in order of sending; each is brought up to date when it is done. */
struct simulation *simulation_create(const struct simulation_settings *settings,
                                     struct request *requests, uint32_t request_count);
void simulation_destroy(struct simulation *simulation);

/* Runs to the end, or until it is stalled or out of time. */
void simulation_run(struct simulation *simulation);

/* Runs at most 'limit' events; false when the run has ended. */
bool simulation_run_events(struct simulation *simulation, uint64_t limit);

/* Brings all instances to the present, as the end of a run does; for a look at one that is stopped
 * before. */
void simulation_settle(struct simulation *simulation);

/* Asserts what must hold at any time between events; cheap enough for tests. */
void simulation_check(struct simulation *simulation);

/* Runs one event; false when there is none left. For tests that check between events. */
bool simulation_step(struct simulation *simulation);

/* True when the run was given up as an engine makes no progress (engine_loop_is_stalled). */
bool simulation_is_stalled(const struct simulation *simulation);

/* What made the run impossible to go on with: a policy's answer that makes no sense. NULL: nothing
 * did. */
const struct error *simulation_failure(const struct simulation *simulation);

/* True when the run was given up because the clock's range (MAX_TIME_S) is used up. */
bool simulation_is_out_of_time(const struct simulation *simulation);

int64_t simulation_now_ps(const struct simulation *simulation);
const struct simulation_counts *simulation_counts(const struct simulation *simulation);
const struct step_counts *simulation_step_counts(const struct simulation *simulation);
const struct timeline *simulation_timeline(const struct simulation *simulation);
const struct histogram *simulation_itl(const struct simulation *simulation);

/* Requests and tokens by time. */
const struct rate_window *simulation_rates(const struct simulation *simulation);

/* The numbers of a run that has ended. */
struct run_summary simulation_summarize(struct simulation *simulation);

#endif
