/* One run: requests through a client to an instance, step by step, until all are done. */
#ifndef SIM_CLUSTER_SIMULATION_H
#define SIM_CLUSTER_SIMULATION_H

#include "sim/cluster/client.h"
#include "sim/cluster/request_feed.h"
#include "sim/metrics/histogram.h"
#include "sim/metrics/run_summary.h"
#include "sim/metrics/timeline.h"
#include "sim/pricing/step_cost.h"
#include "sim/serving/instance.h"

/* For setting a run beside a measured one. */
struct simulation_hooks {
    void *context;
    /* When the loop steps next instead of when it is priced to; NULL: as priced. */
    int64_t (*next_iteration_ps)(void *context, int64_t now_ps, int64_t priced_ps);
    /* After each scheduling pass, also an empty one; NULL: nobody watches. */
    void (*on_schedule)(void *context, const struct instance *instance, const struct batch *batch,
                        int64_t now_ps);
};

/* What an instance does of a request. */
enum instance_role {
    INSTANCE_BOTH,
    INSTANCE_PREFILL, /* the prompt; its KV then moves to an instance that decodes */
    INSTANCE_DECODE,  /* what follows */
};

/* Instances that are alike. */
struct instance_group {
    const struct instance_config *config; /* borrowed */
    uint32_t count;
    enum instance_role role;
};

/* What the KV of a request moves over when its prompt and what follows run on different instances.
 */
struct kv_link {
    int64_t token_ps;   /* for each token of the prompt */
    int64_t latency_ps; /* and once a request */
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
    bool stepwise; /* walk every step: the reference that stretches must equal */
    bool noise;    /* draw how far steps and launches lie from their prices */
    uint64_t seed; /* of the noise */
    struct simulation_hooks hooks;
};

struct simulation_counts {
    uint64_t decode_steps;
    uint64_t mixed_steps;
    uint64_t extrapolated_steps;
    uint64_t draft_tokens;
    uint64_t accepted_drafts;
    uint64_t verifications;
    uint64_t preemptions;
    uint64_t rejected;
    uint64_t finished;
    uint64_t events;
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

/* Asserts what must hold at any time between events; cheap enough for tests. */
void simulation_check(struct simulation *simulation);

/* Runs one event; false when there is none left. For tests that check between events. */
bool simulation_step(struct simulation *simulation);

/* True when the run was given up: the engine preempts and recomputes in circles without producing a
 * token, as the real scheduler can when prompts that do not fit together are admitted in part. */
bool simulation_is_stalled(const struct simulation *simulation);

/* True when the run was given up because the clock's range (MAX_TIME_S) is used up. */
bool simulation_is_out_of_time(const struct simulation *simulation);

int64_t simulation_now_ps(const struct simulation *simulation);
const struct simulation_counts *simulation_counts(const struct simulation *simulation);
const struct timeline *simulation_timeline(const struct simulation *simulation);
const struct histogram *simulation_itl(const struct simulation *simulation);
const struct instance *simulation_instance(const struct simulation *simulation);

/* The numbers of a run that has ended. */
struct run_summary simulation_summarize(struct simulation *simulation);

#endif
