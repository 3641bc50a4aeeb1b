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
    int64_t free_ps;       /* when it has taken in all that was sent */
    int64_t first_sent_ps; /* 0 before */
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
    struct request_queue held[2]; /* by need: no instance takes them now */
    struct outage_list outages;
    struct autoscaler autoscaler;
    struct step_record record;
    struct run_tally tally;
    struct simulation_counts counts;
    int64_t now_ps;
    int64_t step_end_ps;        /* the time of the last step end, */
    uint32_t step_end_instance; /* and whose it was: the last one's of those at that time */
    bool is_stalled;
};

/* For the files of the simulation among themselves (simulation.c): */
void simulation_push(struct simulation *simulation, int64_t at_ps, enum event_type type,
                     uint32_t subject);
/* The instance becomes as it is at the present. */
void simulation_catch_up(struct simulation *simulation, uint32_t number);
/* The request goes to an instance, or is held until there is one. */
void simulation_place(struct simulation *simulation, uint32_t place, enum request_need need);
/* The request, whose status says so, is rejected; the client hears of it. */
void simulation_reject(struct simulation *simulation, uint32_t place);

/* Of instances that come and go (simulation_nodes.c): */
void simulation_nodes_begin(struct simulation *simulation);
void simulation_on_outage(struct simulation *simulation, uint32_t index);
void simulation_on_return(struct simulation *simulation, uint32_t number);
void simulation_on_scaling(struct simulation *simulation);
/* A request has left the instance. */
void simulation_node_left(struct simulation *simulation, uint32_t number);

#endif
