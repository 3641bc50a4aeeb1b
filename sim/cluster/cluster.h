/* The instances of a run. They may be unlike each other: in GPU, model, engine, role. */
#ifndef SIM_CLUSTER_CLUSTER_H
#define SIM_CLUSTER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/serving/instance.h"

/* What an instance does of a request. */
enum instance_role {
    INSTANCE_BOTH,
    INSTANCE_PREFILL, /* the prompt; its KV then moves to an instance that decodes */
    INSTANCE_DECODE,  /* what follows */
};

/* The way that KV takes to another instance. */
struct kv_link {
    int64_t token_ps;   /* for each token of the prompt */
    int64_t latency_ps; /* and once a request */
};

/* Instances that are alike. */
struct instance_group {
    const struct instance_config *config; /* borrowed */
    uint32_t count;
    enum instance_role role;
    struct kv_link link; /* of each */
};

/* Whether an instance takes requests. */
enum node_state {
    NODE_SERVES,
    NODE_DRAINS,  /* takes no more, and goes away without any */
    NODE_IS_AWAY, /* failed, restarted or not yet started: an event brings it back */
    NODE_IS_OFF,  /* until it is started */
};

/* The requests that an instance was given and that have not left it. */
struct node_load {
    uint32_t requests;
    uint64_t tokens; /* that they ask for, prompts and budgets together */
};

/* An instance as a part of the cluster. */
struct cluster_node {
    enum instance_role role;
    enum node_state state;
    struct node_load load;
    struct kv_link link;
    uint32_t epoch;       /* of the event it waits for; those of older epochs are stale */
    uint64_t finished;    /* requests */
    uint32_t starts;      /* times that it began to serve, */
    uint32_t failures;    /* and that it failed */
    int64_t away_ps;      /* for so long once it is drained; TIME_NONE: it is then off */
    int64_t on_since_ps;  /* it is paid for since then, */
    int64_t on_ps;        /* and was for so long before */
    int64_t link_free_ps; /* when all KV it has handed over has left */
};

struct cluster {
    struct instance *instances;
    struct cluster_node *nodes; /* one for each */
    uint32_t count;
    bool is_disaggregated; /* some only prefill */
};

/* At least one instance, which all join the run of 'record'; its timeline is not yet set up. */
void cluster_init(struct cluster *cluster, const struct instance_group *groups,
                  uint32_t group_count);
void cluster_clear(struct cluster *cluster);

/* A request is given to an instance; or it leaves it. */
void cluster_node_add(struct cluster_node *node, const struct request *request);
void cluster_node_remove(struct cluster_node *node, const struct request *request);

/* The requests have moved, or there is room for more of them. */
void cluster_set_requests(struct cluster *cluster, struct request *requests, uint32_t count);

#endif
