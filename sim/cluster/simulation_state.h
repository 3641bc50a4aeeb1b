/* The state of a run, for the files that move it: simulation.c step by step, simulation_stretch.c
 * many steps at once; simulation_pricing.c says how long a step takes. */
#ifndef SIM_CLUSTER_SIMULATION_STATE_H
#define SIM_CLUSTER_SIMULATION_STATE_H

#include "sim/cluster/run_tally.h"
#include "sim/cluster/simulation.h"
#include "sim/events/event_queue.h"

struct simulation {
    struct simulation_settings settings;
    struct request_feed feed;
    struct request_array array; /* what 'feed' is made of, if it is an array */
    struct request *requests;   /* those alive */
    size_t request_capacity;
    uint32_t request_count; /* places for them so far */
    uint32_t vacant_count;
    uint32_t *vacant; /* places to use again */
    size_t vacant_capacity;
    struct event_queue events;
    struct client client;
    struct instance *instances;
    uint32_t instance_count;
    struct instance *instance; /* whose event is handled */
    bool is_disaggregated;     /* prompts and what follows run on different instances */
    bool takes_walked;         /* stretches of requests that no decode group keeps */
    struct timeline timeline;
    struct histogram itl;
    struct run_tally tally;
    struct simulation_counts counts;
    int64_t now_ps;
    int64_t intake_free_ps; /* when the front end has taken in all that was sent */
    uint64_t sent;
    uint64_t output_tokens;
    uint64_t stretches; /* of one attention price */
    uint64_t wakes;     /* of an idle instance; counted for their noise */
    uint64_t common_noise_key;
    uint64_t gpu_noise_key;
    uint64_t launch_noise_key;
    uint64_t idle_start_noise_key;
    uint64_t steps_since_token;
    uint64_t patience_steps; /* without a token: even one token a step fills all requests' KV */
};

/* What the timeline notes of all instances, now. */
struct timeline_state simulation_state(const struct simulation *simulation);

/* Price it: when its launch returns and when its output is at hand. */
void simulation_price_batch(struct simulation *simulation, struct batch *batch);

/* What the host does before it launches a step, unless another step in flight hides it. */
int64_t simulation_host_ps(const struct simulation *simulation, const struct batch *batch);

/* At the end of a step: when the steps from now on only repeat one decode, takes them at once, with
 * the same result to the bit as step by step. False when there are none to take; then nothing has
 * changed. */
bool simulation_take_stretch(struct simulation *simulation);

#endif
