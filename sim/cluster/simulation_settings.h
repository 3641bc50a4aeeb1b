/* What a run is made of, and what it counts. */
#ifndef SIM_CLUSTER_SIMULATION_SETTINGS_H
#define SIM_CLUSTER_SIMULATION_SETTINGS_H

#include "sim/cluster/autoscaler.h"
#include "sim/cluster/client.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/outages.h"
#include "sim/cluster/router.h"
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
    struct router_settings router;
    struct outage_settings outages;
    struct autoscaler_settings scaling;
    uint32_t max_requests; /* in the cluster; more are rejected. 0: no limit */
    struct client_settings client;
    struct slo slo;
    size_t exact_limit;           /* latencies kept for exact percentiles; 0: the usual number */
    int64_t timeline_interval_ps; /* 0: no samples */
    struct timeline_sink timeline_sink;
    bool stepwise; /* make each step by itself: the reference that fast-forwarding must equal */
    bool noise;    /* draw how far steps and launches lie from their prices */
    uint64_t seed; /* of the noise, and of the router's draws */
    const struct length_history *earlier_answers; /* that predictors have seen, borrowed; or NULL */
    struct observer_list observers;
    struct simulation_pace pace; /* if there is one, the run is stepwise */
};

struct simulation_counts {
    uint64_t rejected;
    uint64_t finished;
    uint64_t events; /* handled; fast-forwarding has fewer */
};

#endif
