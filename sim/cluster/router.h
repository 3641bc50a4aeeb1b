/* To which instance a request goes. */
#ifndef SIM_CLUSTER_ROUTER_H
#define SIM_CLUSTER_ROUTER_H

#include "sim/base/settings.h"
#include "sim/cluster/cluster.h"

enum router_rule {
    ROUTER_LEAST_REQUESTS,
    ROUTER_LEAST_TOKENS,
    ROUTER_LEAST_KV,
    ROUTER_ROUND_ROBIN,
    ROUTER_RANDOM,
    ROUTER_POWER_OF_TWO,
    ROUTER_SESSION,
    ROUTER_PREFIX_AWARE,
};

/* Their names and what they do, up to a NULL name. */
extern const struct setting_choice router_rules[];

struct router_settings {
    enum router_rule rule;
    double prefix_weight; /* of a block to compute against a block in use; PREFIX_AWARE only */
};

/* Table of the settings, keys "cluster.router...". */
extern const struct setting router_settings_table[];

struct router {
    struct router_settings settings;
    uint32_t next;  /* of ROUND_ROBIN */
    uint64_t key;   /* of the draws, */
    uint64_t draws; /* and how many there were */
};

enum request_need {
    REQUEST_NEEDS_PREFILL, /* it is new, or lost its KV */
    REQUEST_NEEDS_DECODE,  /* its prompt was computed elsewhere, and its KV has arrived */
};

/* A router whose draws come from 'seed'. */
void router_init(struct router *router, const struct router_settings *settings, uint64_t seed);

/* True when the rule looks at blocks, so that instances must have caught up with the present. */
bool router_looks_at_blocks(const struct router *router);

/* The instance for the request, of those whose role suits and that take requests; where several are
 * as good the first. 'cluster->count' when there is none. */
uint32_t router_choose(struct router *router, const struct cluster *cluster,
                       const struct request *request, enum request_need need);

#endif
