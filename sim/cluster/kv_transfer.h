/* Prompts and what follows on different instances: the KV of a prompt moves over a link of the
 * instance that computed it, one request after the other. */
#ifndef SIM_CLUSTER_KV_TRANSFER_H
#define SIM_CLUSTER_KV_TRANSFER_H

#include <stdint.h>

#include "sim/cluster/cluster.h"

/* Sends the KV of so many tokens from 'now_ps' on or when the link is free. Returns when it has
 * arrived. */
int64_t kv_transfer_send(struct cluster_node *from, uint32_t tokens, int64_t now_ps);

#endif
