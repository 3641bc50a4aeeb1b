#include "sim/cluster/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void cluster_init(struct cluster *cluster, const struct instance_group *groups,
                  uint32_t group_count)
{
    memset(cluster, 0, sizeof *cluster);
    for (uint32_t g = 0; g < group_count; g++) {
        cluster->count += groups[g].count;
    }
    assert(cluster->count > 0);
    cluster->instances = memory_zeroed(cluster->count, sizeof cluster->instances[0]);
    cluster->nodes = memory_zeroed(cluster->count, sizeof cluster->nodes[0]);
    uint32_t number = 0;
    for (uint32_t g = 0; g < group_count; g++) {
        for (uint32_t i = 0; i < groups[g].count; i++) {
            instance_init(&cluster->instances[number], groups[g].config, NULL, 0);
            cluster->instances[number].prefills_only = groups[g].role == INSTANCE_PREFILL;
            cluster->nodes[number].role = groups[g].role;
            cluster->nodes[number].link = groups[g].link;
            number++;
        }
        cluster->is_disaggregated |= groups[g].count > 0 && groups[g].role == INSTANCE_PREFILL;
    }
}

void cluster_clear(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        instance_clear(&cluster->instances[i]);
    }
    free(cluster->instances);
    free(cluster->nodes);
    memset(cluster, 0, sizeof *cluster);
}

static uint64_t tokens_asked_for(const struct request *request)
{
    return (uint64_t)request->ask.prompt_tokens + request->ask.max_output_tokens;
}

void cluster_node_add(struct cluster_node *node, const struct request *request)
{
    node->load.requests++;
    node->load.tokens += tokens_asked_for(request);
}

void cluster_node_remove(struct cluster_node *node, const struct request *request)
{
    assert(node->load.requests > 0 && node->load.tokens >= tokens_asked_for(request));
    node->load.requests--;
    node->load.tokens -= tokens_asked_for(request);
}

void cluster_set_requests(struct cluster *cluster, struct request *requests, uint32_t count)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        instance_set_requests(&cluster->instances[i], requests, count);
    }
}
