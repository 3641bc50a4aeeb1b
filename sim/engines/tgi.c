#include "sim/engines/tgi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/smaller.h"
#include "sim/base/units.h"
#include "sim/kv/radix_tree.h"

enum { SEGMENT_TOKENS = 1024, MAX_CONCURRENT = 128, MAX_GRAPH = 32, MAX_WAITING_TOKENS = 20 };
#define WAITING_SERVED_RATIO 0.3

/* What a request holds while it runs a segment. */
struct segment {
    uint32_t prompt;   /* known tokens at its start */
    uint32_t end;      /* known tokens at which it ends */
    uint32_t reserved; /* blocks, those of the trie aside */
    uint32_t found;    /* tokens of the prompt in the trie */
    uint32_t node;     /* locked, where they end */
};

struct tgi {
    struct radix_tree trie;
    uint64_t free;
    struct segment *segments; /* by request */
    uint32_t segment_count;
    size_t segment_capacity;
    bool has_admitted;       /* the forward before this one; now only the batch goes on */
    uint32_t waiting_tokens; /* decodes since the last admission, without chunks */
};

static struct tgi *state_of(const struct instance *instance)
{
    return instance->engine_state;
}

static struct segment *segment_of(struct tgi *state, uint32_t index)
{
    if (index >= state->segment_count) {
        state->segments = memory_grow(state->segments, &state->segment_capacity, (size_t)index + 1,
                                      sizeof state->segments[0]);
        memset(&state->segments[state->segment_count], 0,
               (index + 1 - state->segment_count) * sizeof state->segments[0]);
        state->segment_count = index + 1;
    }
    return &state->segments[index];
}

static void show_free(struct instance *instance)
{
    const struct tgi *state = state_of(instance);
    kv_cache_set_free(&instance->kv_cache, (uint32_t)(state->free + state->trie.evictable));
}

/* Tokens of the segment that begins with what is known. */
static uint32_t segment_wish(const struct request *request)
{
    return smaller(request->ask.max_output_tokens - request_outputs(request), SEGMENT_TOKENS);
}

/* validate_input: prompt and segment must fit the model's context and the pool. */
static bool is_valid(const struct instance *instance, const struct request *request)
{
    uint64_t total = (uint64_t)request->known_tokens + segment_wish(request);
    return total <= instance->config->engine.max_model_len &&
           total <= instance->kv_cache.total_blocks;
}

static uint64_t tgi_tokens_needed(const struct instance *instance, const struct request *request)
{
    return is_valid(instance, request) ? request->ask.prompt_tokens : UINT32_MAX;
}

static uint32_t tgi_cached_tokens(const struct instance *instance, const struct request *request)
{
    return radix_tree_find(&state_of(instance)->trie, &request->ask.content, request->known_tokens);
}

/* Reserves room for prompt and segment; false, with nothing changed, when there is none. */
static bool reserve(struct instance *instance, uint32_t index)
{
    struct tgi *state = state_of(instance);
    const struct request *request = &instance->requests[index];
    struct segment *segment = segment_of(state, index);
    uint32_t wanted = segment_wish(request);
    struct radix_place hit = {RADIX_ROOT, 0};
    if (instance->config->engine.prefix_caching) {
        hit = radix_tree_match(&state->trie, &request->ask.content, request->known_tokens);
    }
    uint32_t reserved = request->known_tokens + wanted - 1 - hit.tokens;
    radix_tree_lock(&state->trie, hit.node);
    if (reserved > state->free + state->trie.evictable) {
        radix_tree_unlock(&state->trie, hit.node);
        return false;
    }
    if (reserved > state->free) {
        state->free += radix_tree_evict(&state->trie, reserved - state->free);
    }
    state->free -= reserved;
    *segment = (struct segment){.prompt = request->known_tokens,
                                .end = request->known_tokens + wanted,
                                .reserved = reserved,
                                .found = hit.tokens,
                                .node = hit.node};
    return true;
}

/* The trie keeps the prompt, if it was computed; the rest is free. */
static void give_back(struct instance *instance, uint32_t index, bool was_computed)
{
    struct tgi *state = state_of(instance);
    struct segment *segment = segment_of(state, index);
    state->free += segment->reserved;
    if (instance->config->engine.prefix_caching && was_computed) {
        uint32_t node = RADIX_ROOT;
        uint32_t had = radix_tree_insert(&state->trie, &instance->requests[index].ask.content,
                                         segment->prompt, &node);
        state->free -= segment->prompt - had;
    }
    radix_tree_unlock(&state->trie, segment->node);
    segment->node = RADIX_ROOT;
    kv_cache_hold(&instance->kv_cache, index, 0);
}

static void add(struct instance *instance, struct batch *batch, uint32_t index, uint32_t tokens)
{
    struct request *request = &instance->requests[index];
    batch_add(batch, (struct batch_entry){.request = index,
                                          .tokens = tokens,
                                          .computed_before = request->computed_tokens,
                                          .samples = request->computed_tokens + tokens ==
                                                     request->known_tokens});
    request->computed_tokens += tokens;
    request->placeholders += request->computed_tokens == request->known_tokens;
}

/* Takes the requests at the head of the queue up to the first that does not fit, but none if they
 * are fewer than 'least'; returns the tokens of their prompts in this forward. */
static uint32_t admit(struct instance *instance, struct batch *batch, uint32_t budget,
                      uint32_t least)
{
    struct tgi *state = state_of(instance);
    uint32_t used = 0;
    uint32_t admitted = 0;
    uint32_t first = batch->count;
    bool chunks = instance->config->engine.chunked_prefill;
    while (instance->waiting.count > 0 &&
           instance->running_count < instance->config->engine.max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        struct request *request = &instance->requests[index];
        if (!reserve(instance, index)) {
            break;
        }
        struct segment *segment = segment_of(state, index);
        uint32_t found = smaller(segment->found, request->known_tokens - 1);
        uint32_t tokens = request->known_tokens - found;
        bool whole = used + tokens <= budget;
        if (!whole && (!chunks || used >= budget)) {
            give_back(instance, index, false);
            break;
        }
        request_queue_pop_front(&instance->waiting);
        instance_add_running(instance, index);
        request_become(request, REQUEST_RUNNING);
        request->computed_tokens = found;
        request->cached_tokens += request_is_new(request) ? found : 0;
        kv_cache_hold(&instance->kv_cache, index, segment->reserved + segment->found);
        tokens = whole ? tokens : budget - used;
        add(instance, batch, index, tokens);
        used += tokens;
        admitted++;
        if (!whole) {
            break;
        }
    }
    if (admitted < least) { /* they all go back */
        while (batch->count > first) {
            uint32_t index = batch->entries[--batch->count].request;
            struct request *request = &instance->requests[index];
            instance_remove_running(instance, index);
            give_back(instance, index, false);
            request->placeholders = 0;
            request->computed_tokens = 0;
            request->cached_tokens = request_is_new(request) ? 0 : request->cached_tokens;
            request_become(request, REQUEST_WAITING);
            request_queue_push_front(&instance->waiting, index);
        }
        return 0;
    }
    return used;
}

/* Tokens of a running request in the next forward. */
static uint32_t next_tokens(const struct request *request, uint32_t *budget)
{
    uint32_t left = request->known_tokens - request->computed_tokens;
    uint32_t tokens = smaller(left, *budget > 0 ? *budget : 1);
    *budget -= smaller(*budget, left > 1 ? tokens : 0);
    return tokens;
}

/* flash_causal_lm.py:generate_token goes from the last of the batch to the first. */
static uint32_t chunk_budget(const struct instance *instance, uint32_t running)
{
    uint32_t budget = instance->config->engine.max_batch_tokens;
    return budget > running ? budget - (running > 0 ? running - 1 : 0) : 1;
}

static uint32_t tokens_of_running(const struct instance *instance)
{
    uint32_t budget = chunk_budget(instance, instance->running_count);
    uint32_t tokens = 0;
    for (uint32_t i = instance->running_count; i > 0; i--) {
        tokens += next_tokens(&instance->requests[instance->running[i - 1]], &budget);
    }
    return tokens;
}

static void add_running(struct instance *instance, struct batch *batch)
{
    uint32_t budget = chunk_budget(instance, instance->running_count);
    uint32_t count = instance->running_count;
    for (uint32_t i = count; i > 0; i--) {
        uint32_t index = instance->running[i - 1];
        add(instance, batch, index, next_tokens(&instance->requests[index], &budget));
    }
    for (uint32_t i = 0; i < count / 2; i++) { /* in the order of the batch */
        struct batch_entry swapped = batch->entries[i];
        batch->entries[i] = batch->entries[count - 1 - i];
        batch->entries[count - 1 - i] = swapped;
    }
}

/* With chunks: the queue is looked at once a pass; one that admits is a mixed forward and then one
 * of the whole batch. */
static void schedule_with_chunks(struct instance *instance, struct batch *batch)
{
    struct tgi *state = state_of(instance);
    uint32_t budget = instance->config->engine.max_batch_tokens;
    uint32_t current = tokens_of_running(instance);
    uint32_t room = budget > current ? budget - current : 0;
    bool was_empty = instance->running_count == 0;
    uint32_t before = instance->running_count;
    add_running(instance, batch);
    bool looks =
        was_empty || (!state->has_admitted && room > 0 && instance->kv_cache.free_blocks > 0);
    if (looks) {
        admit(instance, batch, room, 0);
    }
    state->has_admitted = !was_empty && instance->running_count > before;
}

/* Without: new prompts run alone, when there are enough of them or they have waited long enough. */
static void schedule_without_chunks(struct instance *instance, struct batch *batch)
{
    struct tgi *state = state_of(instance);
    uint32_t least = (uint32_t)(instance->running_count * WAITING_SERVED_RATIO);
    if (state->waiting_tokens >= MAX_WAITING_TOKENS) {
        least = 0;
    }
    bool looks = !state->has_admitted;
    state->has_admitted =
        looks && admit(instance, batch, instance->config->engine.max_batch_tokens, least) > 0;
    if (state->has_admitted) {
        state->waiting_tokens = 1;
        return;
    }
    add_running(instance, batch);
    state->waiting_tokens++;
}

static void tgi_schedule(struct instance *instance, struct batch *batch)
{
    batch_reset(batch);
    if (instance->config->engine.chunked_prefill) {
        schedule_with_chunks(instance, batch);
    } else {
        schedule_without_chunks(instance, batch);
    }
    batch_summarize(batch);
    struct batch_summary *summary = &batch->summary;
    uint32_t size = 1;
    while (size < batch->count) {
        size *= 2;
    }
    bool captured =
        summary->prefill_requests == 0 && size <= instance->config->engine.largest_graph;
    summary->cuda_graph = captured ? CUDA_GRAPH_FULL : CUDA_GRAPH_NONE;
    summary->padded_tokens = captured ? size : batch_summary_tokens(summary);
    show_free(instance);
}

static void tgi_process_output(struct instance *instance, struct batch *batch)
{
    struct tgi *state = state_of(instance);
    instance->leaving.finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t index = batch->entries[i].request;
        struct request *request = &instance->requests[index];
        if (!batch->entries[i].samples) {
            continue;
        }
        request->placeholders--;
        request->known_tokens++;
        bool ended = instance_tokens_left(instance, request) == 0;
        if (!ended && request->known_tokens < segment_of(state, index)->end) {
            continue;
        }
        give_back(instance, index, true);
        instance_remove_running(instance, index);
        if (ended || !is_valid(instance, request)) { /* or no further segment would be let in */
            request_become(request, REQUEST_FINISHED);
            instance->leaving.finished[instance->leaving.finished_count++] = index;
        } else { /* the next segment: its text is the prompt of a new request */
            request->recomputed_tokens += request->computed_tokens;
            request->computed_tokens = 0;
            request_become(request, REQUEST_WAITING);
            request_queue_push_back(&instance->waiting, index);
        }
    }
    show_free(instance);
}

/* Until a segment ends; what waits is looked at in every pass, so nobody may. */
static uint64_t tgi_repeatable_steps(const struct instance *instance)
{
    const struct tgi *state = state_of(instance);
    uint64_t steps = UINT64_MAX;
    if (instance->waiting.count > 0 &&
        instance->running_count < instance->config->engine.max_batch_requests) {
        return 0;
    }
    for (uint32_t i = 0; i < instance->running_count; i++) {
        uint32_t index = instance->running[i];
        uint64_t left = state->segments[index].end - instance->requests[index].known_tokens;
        steps = left - 1 < steps ? left - 1 : steps;
    }
    return steps;
}

static void tgi_repeat(struct instance *instance, uint64_t steps)
{
    struct tgi *state = state_of(instance);
    state->has_admitted = false;
    if (!instance->config->engine.chunked_prefill) {
        state->waiting_tokens += (uint32_t)steps;
    }
}

static void tgi_create_state(struct instance *instance)
{
    struct tgi *state = memory_zeroed(1, sizeof *state);
    radix_tree_init(&state->trie);
    state->trie.trims_leaves = true;
    state->free = instance->kv_cache.total_blocks;
    instance->engine_state = state;
}

static void tgi_destroy_state(struct instance *instance)
{
    struct tgi *state = state_of(instance);
    radix_tree_clear(&state->trie);
    free(state->segments);
    free(state);
}

static const struct setting own_settings[] = {
    {ENGINE_WHOLE("engine.max_concurrent_requests", max_concurrent_requests, 1, 1e6),
     .unit = "requests",
     .help = "most requests in the engine, waiting ones included; it refuses those beyond "
             "(max-concurrent-requests)"},
    {.name = NULL},
};

static const struct setting *const settings_tables[] = {
    engine_settings_of_all,
    engine_settings_of_chunks,
    engine_settings_of_prefixes,
    own_settings,
    NULL,
};

/* The launcher's 4096 tokens for cards it does not know; else one second of peak compute, for which
 * 'engine.max_batch_tokens' is to be set. */
const struct engine_preset engine_preset_tgi = {
    .name = "tgi",
    .summary = "TGI 3.3: segments of the output reserved, no preemption",
    .reserved_blocks = 1,
    .tokens_needed = tgi_tokens_needed,
    .defaults = {.max_batch_tokens = 4096,
                 .max_batch_requests = 4096,
                 .block_tokens = 1,
                 .chunked_prefill = true,
                 .prefix_caching = true,
                 .largest_graph = MAX_GRAPH,
                 .max_concurrent_requests = MAX_CONCURRENT,
                 .host = {.loop_ps = PS_PER_MS}},
    .settings = settings_tables,
    .create_state = tgi_create_state,
    .destroy_state = tgi_destroy_state,
    .cached_tokens = tgi_cached_tokens,
    .schedule = tgi_schedule,
    .process_output = tgi_process_output,
    .repeats.repeatable_steps = tgi_repeatable_steps,
    .repeats.repeat = tgi_repeat,
};
