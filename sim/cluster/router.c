#include "sim/cluster/router.h"

#include <assert.h>

/* New requests go to instances that only prefill where there are any. */
static bool suits(const struct cluster *cluster, enum instance_role role, enum request_need need)
{
    if (need == REQUEST_NEEDS_DECODE) {
        return role != INSTANCE_PREFILL;
    }
    return cluster->is_disaggregated ? role == INSTANCE_PREFILL : role == INSTANCE_BOTH;
}

uint32_t router_choose(const struct cluster *cluster, enum request_need need)
{
    size_t fewest = SIZE_MAX;
    uint32_t chosen = cluster->count;
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct instance *instance = &cluster->instances[i];
        size_t requests = instance->running_count + instance->waiting.count;
        if (requests < fewest && suits(cluster, cluster->nodes[i].role, need)) {
            fewest = requests;
            chosen = i;
        }
    }
    assert(chosen < cluster->count);
    return chosen;
}
