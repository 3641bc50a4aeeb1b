#include "sim/serving/sglang.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/smaller.h"
#include "sim/serving/radix_tree.h"

#define NOBODY UINT32_MAX

/* global_config.py */
#define RATIO_INITIAL 0.7
#define RATIO_LEAST (0.14 * RATIO_INITIAL)
#define RATIO_DECAY ((RATIO_INITIAL - RATIO_LEAST) / 600)
enum {
    MOST_ESTIMATED = 4096, /* tokens of output that admission looks ahead */
    RETRACT_STEPS = 20,    /* for which a retraction makes room */
    MAX_PREFILL_TOKENS = 16384,
};

/* What the scheduler knows of a request beside its counters. */
struct held {
    uint32_t prefix; /* leading tokens that are the tree's */
    uint32_t node;   /* locked, where they end */
};

/* Members of a batch; NOBODY where one has ended and was not filtered out yet. */
struct members {
    uint32_t *requests;
    uint32_t count;
    size_t capacity;
};

struct sglang {
    struct radix_tree tree;
    uint64_t free; /* slots in nobody's hands, the tree's aside */
    struct held *held;
    uint32_t held_count;
    size_t held_capacity;
    struct members running;
    struct members last; /* of the prompts that ran last */
    bool last_was_prompts;
    bool none_before; /* the forming before this one yielded nothing */
    bool is_full;     /* the latch of 'running': nobody is looked at */
    uint32_t chunked; /* the prompt computed in part, or NOBODY */
    double ratio;
};

static struct sglang *state_of(const struct instance *instance)
{
    return instance->engine_state;
}

static void members_add(struct members *members, uint32_t request)
{
    members->requests = memory_grow(members->requests, &members->capacity,
                                    (size_t)members->count + 1, sizeof members->requests[0]);
    members->requests[members->count++] = request;
}

/* Keeps those that have not ended and are not 'without'; true when any had ended. */
static bool members_filter(struct members *members, uint32_t without)
{
    uint32_t kept = 0;
    bool ended = false;
    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t request = members->requests[i];
        ended = ended || request == NOBODY;
        if (request != NOBODY && request != without) {
            members->requests[kept++] = request;
        }
    }
    members->count = kept;
    return ended;
}

static void members_end(struct members *members, uint32_t request)
{
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->requests[i] == request) {
            members->requests[i] = NOBODY;
        }
    }
}

/* What others may use: free slots and what the tree can give up. */
static uint64_t available(const struct sglang *state)
{
    return state->free + state->tree.evictable;
}

static void show_free(struct instance *instance)
{
    kv_cache_set_free(&instance->kv_cache, (uint32_t)available(state_of(instance)));
}

static void evict(struct sglang *state, uint64_t tokens)
{
    state->free += radix_tree_evict(&state->tree, tokens);
}

static struct held *held_of(struct sglang *state, uint32_t index)
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
    struct sglang *state = state_of(instance);
    uint32_t node = RADIX_ROOT;
    uint32_t had =
        radix_tree_insert(&state->tree, &instance->requests[index].content, tokens, &node);
    uint32_t prefix = held_of(state, index)->prefix;
    state->free += had > prefix ? had - prefix : 0;
    return node;
}

/* cache_unfinished_req: after its prompt, or between chunks. */
static void cache_begun(struct instance *instance, uint32_t index)
{
    struct sglang *state = state_of(instance);
    struct held *held = held_of(state, index);
    if (!instance->settings.prefix_caching) {
        return;
    }
    uint32_t tokens = instance->requests[index].known_tokens;
    tokens = smaller(tokens, instance->requests[index].cacheable_tokens);
    uint32_t node = give_to_tree(instance, index, tokens);
    radix_tree_unlock(&state->tree, held->node);
    radix_tree_lock(&state->tree, node);
    *held = (struct held){.prefix = tokens, .node = node};
}

/* cache_finished_req: all but the last token, whose KV was never written. */
static void cache_ended(struct instance *instance, uint32_t index)
{
    struct sglang *state = state_of(instance);
    struct held *held = held_of(state, index);
    uint32_t tokens = instance->requests[index].known_tokens - 1;
    if (instance->settings.prefix_caching) {
        give_to_tree(instance, index, tokens);
        radix_tree_unlock(&state->tree, held->node);
    } else {
        state->free += tokens;
    }
    *held = (struct held){0, RADIX_ROOT};
}

/* max_new_tokens, cut to what the context and the pool can hold (tp_worker.py). */
static uint32_t output_limit(const struct instance *instance, const struct request *request)
{
    uint32_t longest =
        smaller(instance->settings.max_model_len - 1, instance->kv_cache.total_blocks - 1);
    uint32_t room = longest > request->prompt_tokens + 1 ? longest - request->prompt_tokens - 1 : 0;
    return smaller(request->max_output_tokens, room);
}

static uint32_t estimated_output(const struct instance *instance, uint32_t index)
{
    return smaller(output_limit(instance, &instance->requests[index]), MOST_ESTIMATED);
}

/* Tokens a request will still produce and tokens it holds. */
struct ending {
    double left;
    uint32_t held;
};

/* PrefillAdder: what is left while prompts are added to a step. */
struct adder {
    struct instance *instance;
    struct batch *batch;
    double reserved; /* for what runs */
    double charged;  /* for what was added */
    int64_t current_charged;
    int64_t input_left;
    int64_t chunk_left;
    uint32_t mixed_decodes;
    uint32_t added;
    struct ending *endings; /* soonest first, where outputs are as long as asked */
    uint32_t ending_count;
    size_t ending_capacity;
};

enum verdict { VERDICT_CONTINUE, VERDICT_NO_TOKEN, VERDICT_OTHER };

static double total_left(const struct adder *adder)
{
    return (double)available(state_of(adder->instance)) - adder->reserved - adder->charged;
}

static int64_t current_left(const struct adder *adder)
{
    return (int64_t)available(state_of(adder->instance)) - adder->mixed_decodes -
           adder->current_charged;
}

static struct adder make_adder(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    const struct engine_settings *settings = &instance->settings;
    uint32_t decodes = settings->mixed_chunks ? state->running.count : 0;
    struct adder adder = {.instance = instance,
                          .batch = batch,
                          .reserved = decodes,
                          .input_left = (int64_t)settings->max_prefill_tokens - decodes,
                          .chunk_left = settings->chunked_prefill
                                            ? (int64_t)settings->max_batch_tokens - decodes
                                            : INT64_MAX / 2,
                          .mixed_decodes = decodes};
    for (uint32_t i = 0; i < state->running.count; i++) {
        uint32_t index = state->running.requests[i];
        if (index != NOBODY) {
            const struct request *request = &instance->requests[index];
            uint32_t left = output_limit(instance, request) - request_outputs(request);
            adder.reserved += state->ratio * smaller(left, MOST_ESTIMATED);
        }
    }
    return adder;
}

static void charge(struct adder *adder, uint32_t tokens, uint32_t output)
{
    adder->charged += tokens + output;
    adder->current_charged += tokens;
    adder->input_left -= tokens;
    adder->chunk_left -= tokens;
}

static void add_prompt(struct adder *adder, uint32_t index, uint32_t tokens)
{
    struct request *request = &adder->instance->requests[index];
    batch_add(adder->batch, (struct batch_entry){.request = index,
                                                 .tokens = tokens,
                                                 .computed_before = request->computed_tokens,
                                                 .is_prompt = true});
    adder->added++;
}

static enum verdict verdict_of(const struct adder *adder)
{
    if (total_left(adder) <= 0 || current_left(adder) <= 0) {
        return VERDICT_NO_TOKEN;
    }
    return adder->input_left <= 0 || adder->chunk_left <= 0 ? VERDICT_OTHER : VERDICT_CONTINUE;
}

/* Takes the whole prompt or the chunk that is left. */
static enum verdict take_prompt(struct adder *adder, uint32_t index, uint32_t tokens)
{
    struct sglang *state = state_of(adder->instance);
    if (tokens <= adder->chunk_left) {
        charge(adder, tokens, estimated_output(adder->instance, index));
        add_prompt(adder, index, tokens);
    } else if (adder->chunk_left <= 0) {
        return VERDICT_OTHER;
    } else {
        uint32_t chunk = (uint32_t)adder->chunk_left;
        charge(adder, chunk, 0);
        add_prompt(adder, index, chunk);
        state->chunked = index;
    }
    return verdict_of(adder);
}

/* add_chunked_req: the rest of a prompt, with no look at memory. */
static void continue_chunk(struct adder *adder)
{
    struct sglang *state = state_of(adder->instance);
    uint32_t index = state->chunked;
    const struct request *request = &adder->instance->requests[index];
    uint32_t left = request->known_tokens - request->computed_tokens;
    uint32_t tokens = left <= adder->chunk_left ? left : (uint32_t)adder->chunk_left;
    bool ends = tokens == left;
    charge(adder, tokens, ends ? estimated_output(adder->instance, index) : 0);
    add_prompt(adder, index, tokens);
    state->chunked = ends ? NOBODY : index;
}

static int compare_endings(const void *a, const void *b)
{
    const struct ending *first = a;
    const struct ending *second = b;
    return (first->left > second->left) - (first->left < second->left);
}

/* The first candidate of a step is sorted in with all; a later one goes before the first that ends
 * no sooner, and if there is none, as coded, before the last. */
static void add_ending(struct adder *adder, uint32_t index, bool is_later)
{
    const struct request *request = &adder->instance->requests[index];
    double left = (double)output_limit(adder->instance, request) - request_outputs(request);
    struct ending ending = {.left = left, .held = request->known_tokens};
    uint32_t place = adder->ending_count;
    if (left <= 0) {
        return;
    }
    adder->endings = memory_grow(adder->endings, &adder->ending_capacity,
                                 (size_t)adder->ending_count + 1, sizeof adder->endings[0]);
    if (is_later && place > 0) {
        place = 0;
        while (place + 1 < adder->ending_count && adder->endings[place].left < left) {
            place++;
        }
    }
    memmove(&adder->endings[place + 1], &adder->endings[place],
            (adder->ending_count - place) * sizeof adder->endings[0]);
    adder->endings[place] = ending;
    adder->ending_count++;
}

/* add_one_req_ignore_eos: outputs are as long as asked, so the ends are known; at each there must
 * be room for all that go on. */
static bool fits_all_ends(struct adder *adder, uint32_t index)
{
    struct instance *instance = adder->instance;
    const struct members *running = &state_of(instance)->running;
    bool is_later = adder->ending_count > 0;
    add_ending(adder, index, is_later);
    if (!is_later) {
        for (uint32_t i = 0; i < running->count; i++) {
            if (running->requests[i] != NOBODY) {
                add_ending(adder, running->requests[i], false);
            }
        }
        for (uint32_t i = 0; i < adder->added; i++) {
            add_ending(adder, adder->batch->entries[i].request, false);
        }
        if (adder->ending_count > 1) {
            qsort(adder->endings, adder->ending_count, sizeof adder->endings[0], compare_endings);
        }
    }
    double room = (double)current_left(adder) - instance->requests[index].known_tokens;
    for (uint32_t i = 0; i < adder->ending_count; i++) {
        const struct ending *ending = &adder->endings[i];
        double decodes = i + 1 < adder->ending_count ? ending[1].left : ending->left;
        if (room - decodes * (adder->ending_count - i) <= 0) {
            return false;
        }
        room += ending->held;
    }
    return true;
}

/* add_one_req. */
static enum verdict add_request(struct adder *adder, uint32_t index)
{
    struct instance *instance = adder->instance;
    struct sglang *state = state_of(instance);
    struct request *request = &instance->requests[index];
    struct held *held = held_of(state, index);
    struct radix_place hit = {RADIX_ROOT, 0};
    if (instance->settings.prefix_caching) {
        hit = radix_tree_match(&state->tree, &request->content, request->known_tokens - 1);
    }
    uint32_t tokens = request->known_tokens - hit.tokens;
    if (!instance->settings.prefix_caching && instance->settings.ignores_eos) {
        if (!fits_all_ends(adder, index)) {
            return VERDICT_NO_TOKEN;
        }
        return take_prompt(adder, index, tokens);
    }
    double total = (double)tokens + estimated_output(instance, index);
    if (total >= total_left(adder)) {
        return VERDICT_NO_TOKEN;
    }
    if (tokens > adder->input_left && adder->added > 0) {
        return VERDICT_OTHER;
    }
    radix_tree_lock(&state->tree, hit.node);
    if (total > total_left(adder)) {
        radix_tree_unlock(&state->tree, hit.node);
        return VERDICT_NO_TOKEN;
    }
    uint32_t added = adder->added;
    *held = (struct held){.prefix = hit.tokens, .node = hit.node};
    request->computed_tokens = hit.tokens;
    enum verdict verdict = take_prompt(adder, index, tokens);
    if (adder->added == added) {
        radix_tree_unlock(&state->tree, hit.node);
        *held = (struct held){0, RADIX_ROOT};
        request->computed_tokens = 0;
    } else if (request->preemptions == 0) {
        request->cached_tokens = hit.tokens;
    }
    return verdict;
}

/* Slots for the step's tokens, evicting for all that is needed, not for what lacks (as coded). */
static void allocate(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    uint64_t needed = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        needed += batch->entries[i].tokens;
    }
    if (state->free < needed) {
        evict(state, needed);
    }
    assert(state->free >= needed);
    state->free -= needed;
}

/* Mixed chunks: one decode of each running request beside the prompts. */
static void add_decodes(struct instance *instance, struct batch *batch)
{
    const struct sglang *state = state_of(instance);
    for (uint32_t i = 0; i < state->running.count; i++) {
        uint32_t index = state->running.requests[i];
        batch_add(batch, (struct batch_entry){.request = index,
                                              .tokens = 1,
                                              .computed_before =
                                                  instance->requests[index].computed_tokens});
    }
}

/* The waiting in their order, up to the first that is not taken whole. */
static void add_waiting(struct adder *adder)
{
    struct instance *instance = adder->instance;
    struct sglang *state = state_of(instance);
    enum verdict verdict = VERDICT_CONTINUE;
    while (verdict == VERDICT_CONTINUE && instance->waiting.count > 0) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        uint32_t added = adder->added;
        bool has_place =
            state->running.count + adder->added < instance->settings.max_batch_requests;
        verdict = has_place ? add_request(adder, index) : VERDICT_NO_TOKEN;
        if (adder->added > added) {
            request_queue_pop_front(&instance->waiting);
            instance_add_running(instance, index);
            instance->requests[index].status = REQUEST_RUNNING;
        }
    }
    state->is_full = state->is_full || verdict == VERDICT_NO_TOKEN;
}

/* get_new_batch_prefill; true when there are prompts to run. */
static bool form_prompts(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    if ((state->is_full || instance->waiting.count == 0) && state->chunked == NOBODY) {
        return false;
    }
    if (state->running.count >= instance->settings.max_batch_requests) {
        state->is_full = true;
        return false;
    }
    struct adder adder = make_adder(instance, batch);
    if (state->chunked != NOBODY) {
        continue_chunk(&adder);
    }
    add_waiting(&adder);
    free(adder.endings);
    if (adder.added == 0) {
        return false;
    }
    if (instance->settings.mixed_chunks && state->running.count > 0) {
        members_filter(&state->running, NOBODY);
        add_decodes(instance, batch);
    }
    state->last.count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        members_add(&state->last, batch->entries[i].request);
    }
    if (instance->settings.mixed_chunks) {
        state->running.count = 0;
    }
    allocate(instance, batch);
    return true;
}

/* Back to the tail of the queue, to be computed anew; its token in flight is lost. */
static void retract(struct instance *instance, struct batch *batch, uint32_t index)
{
    struct sglang *state = state_of(instance);
    struct request *request = &instance->requests[index];
    struct held *held = held_of(state, index);
    state->free += request->computed_tokens - held->prefix;
    radix_tree_unlock(&state->tree, held->node);
    *held = (struct held){0, RADIX_ROOT};
    for (uint32_t k = 0; k < instance->steps_in_flight; k++) {
        batch_drop(instance_step(instance, k), index);
    }
    instance_remove_running(instance, index);
    kv_cache_hold(&instance->kv_cache, index, 0);
    request->recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    request->placeholders = 0;
    request->preemptions++;
    request->status = REQUEST_WAITING; /* it goes behind all others */
    request_queue_push_back(&instance->waiting, index);
    batch_add_preempted(batch, index);
}

/* Most outputs first; among equals the shortest prompt; else as they were. */
static void sort_by_outputs(struct instance *instance, struct members *members)
{
    for (uint32_t i = 1; i < members->count; i++) {
        uint32_t moved = members->requests[i];
        const struct request *one = &instance->requests[moved];
        uint32_t to = i;
        for (; to > 0; to--) {
            const struct request *other = &instance->requests[members->requests[to - 1]];
            bool before = request_outputs(one) != request_outputs(other)
                              ? request_outputs(one) > request_outputs(other)
                              : one->prompt_tokens < other->prompt_tokens;
            if (!before) {
                break;
            }
            members->requests[to] = members->requests[to - 1];
        }
        members->requests[to] = moved;
    }
}

/* retract_decode, until the rest has room for some steps. */
static void make_room(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    struct members *running = &state->running;
    double outputs = 0;
    double limits = 0;
    sort_by_outputs(instance, running);
    for (bool first = true;
         running->count > 1 && (first || state->free < (uint64_t)RETRACT_STEPS * running->count);
         first = false) {
        retract(instance, batch, running->requests[--running->count]);
        uint64_t wanted = (uint64_t)RETRACT_STEPS * running->count;
        evict(state, wanted > state->free ? wanted - state->free : 0);
    }
    for (uint32_t i = 0; i < running->count; i++) {
        const struct request *request = &instance->requests[running->requests[i]];
        outputs += request_outputs(request);
        limits += output_limit(instance, request);
    }
    state->ratio = fmin(1, (outputs + RETRACT_STEPS * running->count) / limits);
}

/* update_running_batch. */
static void form_decodes(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    struct members *running = &state->running;
    uint32_t before = running->count;
    members_filter(running, NOBODY);
    if (running->count == 0) {
        state->is_full = false;
        return;
    }
    if (state->free < running->count) {
        evict(state, running->count);
    }
    if (state->free >= running->count) {
        state->ratio = fmax(state->ratio - RATIO_DECAY, RATIO_LEAST);
    } else {
        make_room(instance, batch);
    }
    if (running->count < before) {
        state->is_full = false;
    }
    if (state->free >= running->count) { /* a last one without a free slot waits: stuck */
        add_decodes(instance, batch);
        allocate(instance, batch);
    }
}

/* get_next_batch_to_run: what ran last joins the decodes. */
static void merge_last(struct instance *instance)
{
    struct sglang *state = state_of(instance);
    if (!state->last_was_prompts) {
        return;
    }
    uint32_t chunked = state->chunked;
    if (chunked != NOBODY) {
        cache_begun(instance, chunked);
        state->is_full = false;
    }
    if (members_filter(&state->last, chunked)) {
        state->is_full = false;
    }
    if (state->last.count > 0 && state->running.count == 0) {
        state->is_full = false; /* another batch object */
    }
    for (uint32_t i = 0; i < state->last.count; i++) {
        members_add(&state->running, state->last.requests[i]);
    }
    state->last.count = 0;
}

/* Only decodes replay graphs (cuda_graph_runner.py): captured sizes 1, 2, 4, then multiples of 8.
 */
static void choose_graph(const struct instance *instance, const struct batch *batch, bool prompts,
                         struct batch_summary *summary)
{
    uint32_t size = batch->count <= 2   ? batch->count
                    : batch->count <= 4 ? 4
                                        : (batch->count + 7) / 8 * 8;
    bool captured = !prompts && size <= instance->settings.largest_graph;
    summary->cuda_graph = captured ? CUDA_GRAPH_FULL : CUDA_GRAPH_NONE;
    summary->padded_tokens = captured ? size : batch_summary_tokens(summary);
}

static void advance(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        request->computed_tokens += entry->tokens;
        request->cacheable_tokens =
            entry->is_prompt ? request->computed_tokens : request->cacheable_tokens;
        entry->samples = !entry->is_prompt || entry->request != state->chunked;
        request->placeholders += entry->samples;
        kv_cache_hold(&instance->kv_cache, entry->request, request->computed_tokens);
    }
}

static void sglang_form(struct instance *instance, struct batch *batch)
{
    struct sglang *state = state_of(instance);
    batch_reset(batch);
    merge_last(instance);
    bool prompts = form_prompts(instance, batch);
    if (!prompts && state->running.count > 0) {
        form_decodes(instance, batch);
    }
    state->last_was_prompts = prompts;
    advance(instance, batch);
    batch_summarize(batch);
    choose_graph(instance, batch, prompts, &batch->summary);
    bool none = batch->count == 0;
    if (none && (state->none_before || !instance->settings.async_scheduling)) {
        state->ratio = RATIO_INITIAL;
    }
    state->none_before = none;
    show_free(instance);
}

/* A decode of it may be in flight: that slot is freed with that step's output. */
static void finish(struct instance *instance, uint32_t index)
{
    struct sglang *state = state_of(instance);
    for (uint32_t k = 0; k < instance->steps_in_flight; k++) {
        struct batch *batch = instance_step(instance, k);
        if (batch_drop(batch, index) > 0) {
            batch->late_slots++;
        }
    }
    cache_ended(instance, index);
    members_end(&state->running, index);
    members_end(&state->last, index);
    instance_remove_running(instance, index);
    kv_cache_hold(&instance->kv_cache, index, 0);
    instance->requests[index].status = REQUEST_FINISHED;
    instance->finished[instance->finished_count++] = index;
}

/* scheduler_output_processor_mixin.py */
static void sglang_process_output(struct instance *instance, struct batch *batch)
{
    state_of(instance)->free += batch->late_slots;
    instance->finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        if (!entry->samples) {
            continue;
        }
        request->placeholders--;
        request->known_tokens++;
        if (instance_tokens_left(instance, request) == 0) {
            finish(instance, entry->request);
        } else if (entry->is_prompt) {
            cache_begun(instance, entry->request);
        }
    }
    show_free(instance);
}

/* While slots suffice without evicting, and either nobody waits or the latch keeps all out. */
static uint64_t sglang_repeatable_turns(const struct instance *instance)
{
    const struct sglang *state = state_of(instance);
    const struct members *running = &state->running;
    if (state->chunked != NOBODY || state->last_was_prompts ||
        (instance->waiting.count > 0 && !state->is_full) ||
        running->count != instance->running_count) {
        return 0;
    }
    for (uint32_t i = 0; i < running->count; i++) {
        if (running->requests[i] == NOBODY) {
            return 0;
        }
    }
    return running->count > 0 ? state->free / running->count : 0;
}

static void sglang_repeat(struct instance *instance, uint64_t turns)
{
    struct sglang *state = state_of(instance);
    state->free -= turns * state->running.count;
    state->none_before = false;
    for (uint64_t i = 0; i < turns && state->ratio > RATIO_LEAST; i++) {
        state->ratio = fmax(state->ratio - RATIO_DECAY, RATIO_LEAST);
    }
}

static void sglang_create_state(struct instance *instance)
{
    struct sglang *state = memory_zeroed(1, sizeof *state);
    radix_tree_init(&state->tree);
    state->free = instance->kv_cache.total_blocks;
    state->chunked = NOBODY;
    state->ratio = RATIO_INITIAL;
    state->none_before = true;
    instance->engine_state = state;
}

static void sglang_destroy_state(struct instance *instance)
{
    struct sglang *state = state_of(instance);
    radix_tree_clear(&state->tree);
    free(state->held);
    free(state->running.requests);
    free(state->last.requests);
    free(state);
}

static void sglang_settle(struct engine_settings *settings)
{
    settings->block_tokens = 1;
    settings->reserve_full_prompt = false;
    settings->watermark_ratio = 0;
    settings->long_prefill_threshold_tokens = 0;
    settings->draft_tokens = 0;
    if (settings->max_prefill_tokens == 0) {
        settings->max_prefill_tokens = MAX_PREFILL_TOKENS;
    }
}

double sglang_new_token_ratio(const struct instance *instance)
{
    return state_of(instance)->ratio;
}

void sglang_set_new_token_ratio(struct instance *instance, double ratio)
{
    state_of(instance)->ratio = ratio;
}

uint64_t sglang_evictable(const struct instance *instance)
{
    return state_of(instance)->tree.evictable;
}

/* Chunks of 8192 tokens are for cards above 25,000 MiB; smaller ones take 2048 (server_args.py). */
const struct engine_preset engine_preset_sglang_0_4_6 = {
    .name = "sglang-0.4.6",
    .summary = "SGLang 0.4.6: prompts first, radix cache, retraction",
    .defaults = {.max_batch_tokens = 8192,
                 .max_batch_requests = 2049,
                 .block_tokens = 1,
                 .prefix_caching = true},
    .settle = sglang_settle,
    .create_state = sglang_create_state,
    .destroy_state = sglang_destroy_state,
    .form = sglang_form,
    .process_output = sglang_process_output,
    .repeatable_turns = sglang_repeatable_turns,
    .repeat = sglang_repeat,
};
