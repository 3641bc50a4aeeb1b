/* The state of a run, for the two files that move it: simulation.c turn by turn, and
 * simulation_stretch.c many turns at once. */
#ifndef SIM_SERVING_SIMULATION_STATE_H
#define SIM_SERVING_SIMULATION_STATE_H

#include "sim/engine/event_queue.h"
#include "sim/serving/simulation.h"

struct simulation {
    struct simulation_settings settings;
    struct request *requests;
    uint32_t request_count;
    struct event_queue events;
    struct client client;
    struct instance instance;
    struct timeline timeline;
    struct histogram itl;
    struct simulation_counts counts;
    int64_t now_ps;
    uint64_t stretches;
    uint64_t common_noise_key;
    uint64_t gpu_noise_key;
    uint64_t launch_noise_key;
    uint64_t steps_since_token;
    uint64_t patience_steps; /* without a token: even one token a step fills all requests' KV */
    /* equal gaps in a row, counted into 'itl' together */
    int64_t pending_gap_ps;
    uint64_t pending_gaps;
};

/* What the timeline notes of the instance, now. */
struct timeline_state simulation_state(const struct simulation *simulation);

/* Counts 'times' gaps between tokens. */
void simulation_count_gaps(struct simulation *simulation, int64_t gap_ps, uint64_t times);

/* At the end of a step: when the turns from now on only repeat one decode, takes them at once, with
 * the same result to the bit as turn by turn. False when there are none to take, or the run is
 * stepwise or watched; then nothing has changed. */
bool simulation_take_stretch(struct simulation *simulation);

#endif
