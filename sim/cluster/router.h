/* To which instance a request goes. */
#ifndef SIM_CLUSTER_ROUTER_H
#define SIM_CLUSTER_ROUTER_H

#include "sim/cluster/cluster.h"

enum request_need {
    REQUEST_NEEDS_PREFILL, /* it is new */
    REQUEST_NEEDS_DECODE,  /* its prompt was computed elsewhere, and its KV has arrived */
};

/* The instance, of those whose role suits, that has the fewest requests running and waiting; among
 * equals the first. There must be one. */
uint32_t router_choose(const struct cluster *cluster, enum request_need need);

#endif
