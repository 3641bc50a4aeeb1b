#include "sim/engines/sglang_state.h"

#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/smaller.h"

void sglang_members_add(struct sglang_members *members, uint32_t request)
{
    members->requests = memory_grow(members->requests, &members->capacity,
                                    (size_t)members->count + 1, sizeof members->requests[0]);
    members->requests[members->count++] = request;
}

bool sglang_members_filter(struct sglang_members *members, uint32_t without)
{
    uint32_t kept = 0;
    bool ended = false;
    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t request = members->requests[i];
        ended = ended || request == SGLANG_NOBODY;
        if (request != SGLANG_NOBODY && request != without) {
            members->requests[kept++] = request;
        }
    }
    members->count = kept;
    return ended;
}

void sglang_members_end(struct sglang_members *members, uint32_t request)
{
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->requests[i] == request) {
            members->requests[i] = SGLANG_NOBODY;
        }
    }
}

uint64_t sglang_available(const struct sglang *state)
{
    return state->free + state->tree.evictable;
}

void sglang_show_free(struct instance *instance)
{
    kv_cache_set_free(&instance->kv_cache, (uint32_t)sglang_available(sglang_state_of(instance)));
}

void sglang_evict(struct sglang *state, uint64_t tokens)
{
    state->free += radix_tree_evict(&state->tree, tokens);
}

struct sglang_held *sglang_held_of(struct sglang *state, uint32_t index)
{
    if (index >= state->held_count) {
        state->held = memory_grow(state->held, &state->held_capacity, (size_t)index + 1,
                                  sizeof state->held[0]);
        memset(&state->held[state->held_count], 0,
               (index + 1 - state->held_count) * sizeof state->held[0]);
        state->held_count = index + 1;
    }
    return &state->held[index];
}

/* The tree takes over the first 'tokens' of the request's slots; those it had already are freed. */
static uint32_t give_to_tree(struct instance *instance, uint32_t index, uint32_t tokens)
{
    struct sglang *state = sglang_state_of(instance);
    uint32_t node = RADIX_ROOT;
    uint32_t had =
        radix_tree_insert(&state->tree, &instance->requests[index].ask.content, tokens, &node);
    uint32_t prefix = sglang_held_of(state, index)->prefix;
    state->free += had > prefix ? had - prefix : 0;
    return node;
}

void sglang_cache_begun(struct instance *instance, uint32_t index)
{
    struct sglang *state = sglang_state_of(instance);
    struct sglang_held *held = sglang_held_of(state, index);
    if (!instance->config->engine.prefix_caching) {
        return;
    }
    uint32_t tokens = instance->requests[index].known_tokens;
    tokens = smaller(tokens, instance->requests[index].cacheable_tokens);
    uint32_t node = give_to_tree(instance, index, tokens);
    radix_tree_unlock(&state->tree, held->node);
    radix_tree_lock(&state->tree, node);
    *held = (struct sglang_held){.prefix = tokens, .node = node};
}

void sglang_cache_ended(struct instance *instance, uint32_t index)
{
    struct sglang *state = sglang_state_of(instance);
    struct sglang_held *held = sglang_held_of(state, index);
    uint32_t tokens = instance->requests[index].known_tokens - 1;
    if (instance->config->engine.prefix_caching) {
        give_to_tree(instance, index, tokens);
        radix_tree_unlock(&state->tree, held->node);
    } else {
        state->free += tokens;
    }
    *held = (struct sglang_held){0, RADIX_ROOT};
}

uint32_t sglang_output_limit(const struct instance *instance, const struct request *request)
{
    uint32_t longest =
        smaller(instance->config->engine.max_model_len - 1, instance->kv_cache.total_blocks - 1);
    uint32_t room =
        longest > request->ask.prompt_tokens + 1 ? longest - request->ask.prompt_tokens - 1 : 0;
    return smaller(request->ask.max_output_tokens, room);
}
