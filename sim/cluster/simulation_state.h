/* The state of a run, for the files that move it and sum it up. */
#ifndef SIM_CLUSTER_SIMULATION_STATE_H
#define SIM_CLUSTER_SIMULATION_STATE_H

#include "sim/cluster/request_feed.h"
#include "sim/cluster/request_table.h"
#include "sim/cluster/run_tally.h"
#include "sim/cluster/simulation_settings.h"
#include "sim/events/event_queue.h"

/* The front end, which takes requests in one after the other. */
struct intake {
    int64_t free_ps; /* when it has taken in all that was sent */
    uint64_t sent;
};

struct simulation {
    struct simulation_settings settings;
    struct request_feed feed;
    struct request_array array; /* what 'feed' is made of, if it is an array */
    struct request_table requests;
    struct event_queue events;
    struct client client;
    struct intake intake;
    struct cluster cluster;
    struct router router;
    struct step_record record;
    struct run_tally tally;
    struct simulation_counts counts;
    int64_t now_ps;
    int64_t step_end_ps;        /* the time of the last step end, */
    uint32_t step_end_instance; /* and whose it was: the last one's of those at that time */
    bool is_stalled;
};

#endif
