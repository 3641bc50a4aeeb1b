#include "sim/cluster/router.h"

#include <assert.h>
#include <math.h>

#include "sim/base/random.h"

const struct setting_choice router_rules[] = {
    {"least_requests", ROUTER_LEAST_REQUESTS, "the instance with the fewest requests"},
    {"least_tokens", ROUTER_LEAST_TOKENS,
     "the instance whose requests ask for the fewest tokens, prompts and budgets together"},
    {"least_kv", ROUTER_LEAST_KV, "the instance that uses the smallest share of its KV blocks"},
    {"round_robin", ROUTER_ROUND_ROBIN, "one instance after the other"},
    {"random", ROUTER_RANDOM, "any instance, with equal chances"},
    {"power_of_two", ROUTER_POWER_OF_TWO,
     "of two instances drawn at random the one with fewer requests"},
    {"session", ROUTER_SESSION,
     "all requests of a conversation, or of a prefix, to one instance; others as least_requests"},
    {"prefix_aware", ROUTER_PREFIX_AWARE,
     "the instance with the fewest blocks to compute and in use together, where blocks of the "
     "prompt that it holds need not be computed"},
    {.name = NULL},
};

const struct setting router_settings_table[] = {
    {.name = "cluster.router",
     .type = SETTING_CHOICE,
     SETTING_OF(router_settings, rule),
     .choices = router_rules,
     .help = "rule by which the router picks the instance that a request goes to"},
    {.name = "cluster.prefix_weight",
     .type = SETTING_NUMBER,
     SETTING_OF(router_settings, prefix_weight),
     .maximum = 1000,
     .help = "weight of a block that must be computed against a block in use, for the router "
             "prefix_aware"},
    {.name = NULL},
};

void router_init(struct router *router, const struct router_settings *settings, uint64_t seed)
{
    *router = (struct router){.settings = *settings, .key = random_key(seed, "router")};
}

bool router_looks_at_blocks(const struct router *router)
{
    return router->settings.rule == ROUTER_LEAST_KV || router->settings.rule == ROUTER_PREFIX_AWARE;
}

/* New requests go to instances that only prefill where there are any. */
static bool role_suits(const struct cluster *cluster, enum instance_role role,
                       enum request_need need)
{
    if (need == REQUEST_NEEDS_DECODE) {
        return role != INSTANCE_PREFILL;
    }
    return cluster->is_disaggregated ? role == INSTANCE_PREFILL : role == INSTANCE_BOTH;
}

static bool suits(const struct cluster *cluster, uint32_t number, enum request_need need)
{
    const struct cluster_node *node = &cluster->nodes[number];
    return node->state == NODE_SERVES && role_suits(cluster, node->role, need);
}

static uint32_t count_suitable(const struct cluster *cluster, enum request_need need)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cluster->count; i++) {
        count += suits(cluster, i, need);
    }
    return count;
}

/* The suitable instance that has 'before' suitable ones before it. */
static uint32_t nth_suitable(const struct cluster *cluster, enum request_need need, uint32_t before)
{
    uint32_t number = 0;
    while (!suits(cluster, number, need) || before-- > 0) {
        number++;
        assert(number < cluster->count);
    }
    return number;
}

/* One of so many, drawn. */
static uint32_t draw_below(struct router *router, uint32_t limit)
{
    uint32_t drawn = (uint32_t)(random_uniform_at(router->key, router->draws++) * limit);
    return drawn < limit ? drawn : limit - 1;
}

static uint32_t choose_of_two(struct router *router, const struct cluster *cluster,
                              enum request_need need, uint32_t suitable)
{
    uint32_t a = draw_below(router, suitable);
    uint32_t b = suitable > 1 ? draw_below(router, suitable - 1) : 0;
    b += suitable > 1 && b >= a; /* another than 'a' */
    uint32_t first = nth_suitable(cluster, need, a < b ? a : b);
    uint32_t second = nth_suitable(cluster, need, a < b ? b : a);
    return cluster->nodes[second].load.requests < cluster->nodes[first].load.requests ? second
                                                                                      : first;
}

static uint32_t choose_next(struct router *router, const struct cluster *cluster,
                            enum request_need need)
{
    uint32_t number = router->next % cluster->count;
    while (!suits(cluster, number, need)) {
        number = (number + 1) % cluster->count;
    }
    router->next = number + 1;
    return number;
}

/* What keeps requests together: the conversation, else the prefix; 0: nothing does. */
static uint64_t session_of(const struct request *request)
{
    const struct prompt_part *parts = request->ask.content.parts;
    return parts[1].end > 0 ? parts[1].stream : parts[0].end > 0 ? parts[0].stream : 0;
}

/* How much is against the instance; the least wins. */
static double cost_of(const struct router *router, const struct cluster *cluster, uint32_t number,
                      const struct request *request)
{
    const struct instance *instance = &cluster->instances[number];
    const struct cluster_node *node = &cluster->nodes[number];
    switch (router->settings.rule) {
    case ROUTER_LEAST_TOKENS:
        return (double)node->load.tokens;
    case ROUTER_LEAST_KV:
        return kv_cache_utilization(&instance->kv_cache);
    case ROUTER_SESSION:
        /* Rendezvous hashing: only the requests of an instance that is gone move. */
        return session_of(request) != 0 ? -random_uniform_at(session_of(request), number)
                                        : node->load.requests;
    case ROUTER_PREFIX_AWARE: {
        const struct kv_cache *cache = &instance->kv_cache;
        uint32_t to_compute = request->known_tokens - instance_cached_tokens(instance, request);
        return router->settings.prefix_weight * kv_cache_blocks_for(cache, to_compute) +
               (cache->total_blocks - cache->free_blocks);
    }
    default:
        return node->load.requests;
    }
}

static uint32_t choose_cheapest(const struct router *router, const struct cluster *cluster,
                                const struct request *request, enum request_need need)
{
    double least = INFINITY;
    uint32_t chosen = cluster->count;
    for (uint32_t i = 0; i < cluster->count; i++) {
        if (suits(cluster, i, need)) {
            double cost = cost_of(router, cluster, i, request);
            chosen = cost < least ? i : chosen;
            least = fmin(cost, least);
        }
    }
    return chosen;
}

uint32_t router_choose(struct router *router, const struct cluster *cluster,
                       const struct request *request, enum request_need need)
{
    enum router_rule rule = router->settings.rule;
    if (rule != ROUTER_ROUND_ROBIN && rule != ROUTER_RANDOM && rule != ROUTER_POWER_OF_TWO) {
        return choose_cheapest(router, cluster, request, need);
    }
    uint32_t suitable = count_suitable(cluster, need);
    if (suitable == 0) {
        return cluster->count;
    }
    return rule == ROUTER_ROUND_ROBIN ? choose_next(router, cluster, need)
           : rule == ROUTER_RANDOM    ? nth_suitable(cluster, need, draw_below(router, suitable))
                                      : choose_of_two(router, cluster, need, suitable);
}
