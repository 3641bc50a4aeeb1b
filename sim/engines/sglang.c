#include "sim/engines/sglang.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/engines/sglang_adder.h"
#include "sim/engines/start_limits.h"
#include "sim/serving/instance_policy.h"

/* global_config.py */
#define RATIO_INITIAL 0.7
#define MIN_RATIO (0.14 * RATIO_INITIAL)
#define RATIO_DECAY ((RATIO_INITIAL - MIN_RATIO) / 600)
enum {
    RETRACT_STEPS = 20, /* for which a retraction makes room */
    MAX_PREFILL_TOKENS = 16384,
};

/* Slots for the step's tokens, evicting for all that is needed, not for what lacks (as coded). */
static void allocate(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
    uint64_t needed = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        needed += batch->entries[i].tokens;
    }
    if (state->free < needed) {
        sglang_evict(state, needed);
    }
    assert(state->free >= needed);
    state->free -= needed;
}

/* Mixed chunks: one decode of each running request beside the prompts. */
static void add_decodes(struct instance *instance, struct batch *batch)
{
    const struct sglang *state = sglang_state_of(instance);
    for (uint32_t i = 0; i < state->running.count; i++) {
        uint32_t index = state->running.requests[i];
        batch_add(batch, (struct batch_entry){.request = index,
                                              .tokens = 1,
                                              .computed_before =
                                                  instance->requests[index].computed_tokens});
    }
}

/* The waiting in their order, up to the first that is not taken whole. */
static void add_waiting(struct sglang_adder *adder)
{
    struct instance *instance = adder->instance;
    struct sglang *state = sglang_state_of(instance);
    enum sglang_verdict verdict = SGLANG_CONTINUE;
    while (verdict == SGLANG_CONTINUE && instance->waiting.count > 0) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        uint32_t added = adder->added;
        if (!instance_policy_admits(instance, index)) {
            return;
        }
        bool has_place =
            state->running.count + adder->added < instance->config->engine.max_batch_requests;
        verdict = has_place ? sglang_adder_add(adder, index) : SGLANG_NO_TOKEN;
        if (adder->added > added) {
            request_queue_pop_front(&instance->waiting);
            instance_policy_start(instance, index);
            request_become(&instance->requests[index], REQUEST_RUNNING);
        }
    }
    state->is_full = state->is_full || verdict == SGLANG_NO_TOKEN;
}

/* get_new_batch_prefill; true when there are prompts to run. */
static bool schedule_prompts(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
    if ((state->is_full || instance->waiting.count == 0) && state->chunked == SGLANG_NOBODY) {
        return false;
    }
    if (state->running.count >= instance->config->engine.max_batch_requests) {
        state->is_full = true;
        return false;
    }
    struct sglang_adder adder = sglang_adder_make(instance, batch);
    if (state->chunked != SGLANG_NOBODY) {
        sglang_adder_continue(&adder);
    }
    add_waiting(&adder);
    sglang_adder_clear(&adder);
    if (adder.added == 0) {
        return false;
    }
    if (instance->config->engine.sglang.mixed_chunks && state->running.count > 0) {
        sglang_members_filter(&state->running, SGLANG_NOBODY);
        add_decodes(instance, batch);
    }
    state->last.count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        sglang_members_add(&state->last, batch->entries[i].request);
    }
    if (instance->config->engine.sglang.mixed_chunks) {
        state->running.count = 0;
    }
    allocate(instance, batch);
    return true;
}

/* Back to the tail of the queue, to be computed anew; its token in flight is lost. */
static void retract(struct instance *instance, struct batch *batch, uint32_t index)
{
    struct sglang *state = sglang_state_of(instance);
    struct request *request = &instance->requests[index];
    struct sglang_held *held = sglang_held_of(state, index);
    state->free += request->computed_tokens - held->prefix;
    radix_tree_unlock(&state->tree, held->node);
    *held = (struct sglang_held){0, RADIX_ROOT};
    for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
        batch_drop(instance_step(instance, k), index);
    }
    instance_remove_running(instance, index);
    kv_cache_hold(&instance->kv_cache, index, 0);
    request->recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    request->placeholders = 0;
    request->preemptions++;
    instance_policy_enqueue(instance, index); /* behind all others, without a policy's say */
    batch_add_preempted(batch, index);
}

/* Most outputs first; among equals the shortest prompt; else as they were. */
static void sort_by_outputs(struct instance *instance, struct sglang_members *members)
{
    for (uint32_t i = 1; i < members->count; i++) {
        uint32_t moved = members->requests[i];
        const struct request *one = &instance->requests[moved];
        uint32_t to = i;
        for (; to > 0; to--) {
            const struct request *other = &instance->requests[members->requests[to - 1]];
            bool before = request_outputs(one) != request_outputs(other)
                              ? request_outputs(one) > request_outputs(other)
                              : one->ask.prompt_tokens < other->ask.prompt_tokens;
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
    struct sglang *state = sglang_state_of(instance);
    struct sglang_members *running = &state->running;
    double outputs = 0;
    double limits = 0;
    sort_by_outputs(instance, running);
    for (bool first = true;
         running->count > 1 && (first || state->free < (uint64_t)RETRACT_STEPS * running->count);
         first = false) {
        retract(instance, batch, running->requests[--running->count]);
        uint64_t wanted = (uint64_t)RETRACT_STEPS * running->count;
        sglang_evict(state, wanted > state->free ? wanted - state->free : 0);
    }
    for (uint32_t i = 0; i < running->count; i++) {
        const struct request *request = &instance->requests[running->requests[i]];
        outputs += request_outputs(request);
        limits += sglang_output_limit(instance, request);
    }
    state->ratio = fmin(1, (outputs + RETRACT_STEPS * running->count) / limits);
}

/* update_running_batch. */
static void schedule_decodes(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
    struct sglang_members *running = &state->running;
    uint32_t before = running->count;
    sglang_members_filter(running, SGLANG_NOBODY);
    if (running->count == 0) {
        state->is_full = false;
        return;
    }
    if (state->free < running->count) {
        sglang_evict(state, running->count);
    }
    if (state->free >= running->count) {
        state->ratio = fmax(state->ratio - RATIO_DECAY, MIN_RATIO);
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
    struct sglang *state = sglang_state_of(instance);
    if (!state->last_was_prompts) {
        return;
    }
    uint32_t chunked = state->chunked;
    if (chunked != SGLANG_NOBODY) {
        sglang_cache_begun(instance, chunked);
        state->is_full = false;
    }
    if (sglang_members_filter(&state->last, chunked)) {
        state->is_full = false;
    }
    if (state->last.count > 0 && state->running.count == 0) {
        state->is_full = false; /* another batch object */
    }
    for (uint32_t i = 0; i < state->last.count; i++) {
        sglang_members_add(&state->running, state->last.requests[i]);
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
    bool captured = !prompts && size <= instance->config->engine.largest_graph;
    summary->cuda_graph = captured ? CUDA_GRAPH_FULL : CUDA_GRAPH_NONE;
    summary->padded_tokens = captured ? size : batch_summary_tokens(summary);
}

static void advance(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
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

static void sglang_schedule(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
    batch_reset(batch);
    (void)instance_policy_begin_pass(instance);
    merge_last(instance);
    bool prompts = schedule_prompts(instance, batch);
    if (!prompts && state->running.count > 0) {
        schedule_decodes(instance, batch);
    }
    state->last_was_prompts = prompts;
    advance(instance, batch);
    batch_summarize(batch);
    choose_graph(instance, batch, prompts, &batch->summary);
    bool none = batch->count == 0;
    if (none && (state->none_before || !instance->config->engine.async_scheduling)) {
        state->ratio = RATIO_INITIAL;
    }
    state->none_before = none;
    sglang_show_free(instance);
}

/* A decode of it may be in flight: that slot is freed with that step's output. */
static void finish(struct instance *instance, uint32_t index)
{
    struct sglang *state = sglang_state_of(instance);
    for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
        struct batch *batch = instance_step(instance, k);
        if (batch_drop(batch, index) > 0) {
            batch->late_slots++;
        }
    }
    sglang_cache_ended(instance, index);
    sglang_members_end(&state->running, index);
    sglang_members_end(&state->last, index);
    instance_remove_running(instance, index);
    kv_cache_hold(&instance->kv_cache, index, 0);
    request_become(&instance->requests[index], REQUEST_FINISHED);
    instance->leaving.finished[instance->leaving.finished_count++] = index;
}

/* scheduler_output_processor_mixin.py */
static void sglang_process_output(struct instance *instance, struct batch *batch)
{
    sglang_state_of(instance)->free += batch->late_slots;
    instance->leaving.finished_count = 0;
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
            sglang_cache_begun(instance, entry->request);
        }
    }
    sglang_show_free(instance);
}

/* While slots suffice without evicting, and either nobody waits or the latch keeps all out. */
static uint64_t sglang_repeatable_steps(const struct instance *instance)
{
    const struct sglang *state = sglang_state_of(instance);
    const struct sglang_members *running = &state->running;
    if (state->chunked != SGLANG_NOBODY || state->last_was_prompts ||
        (instance->waiting.count > 0 && !state->is_full) ||
        running->count != instance->running_count) {
        return 0;
    }
    for (uint32_t i = 0; i < running->count; i++) {
        if (running->requests[i] == SGLANG_NOBODY) {
            return 0;
        }
    }
    return running->count > 0 ? state->free / running->count : 0;
}

static void sglang_repeat(struct instance *instance, uint64_t steps)
{
    struct sglang *state = sglang_state_of(instance);
    state->free -= steps * state->running.count;
    state->none_before = false;
    for (uint64_t i = 0; i < steps && state->ratio > MIN_RATIO; i++) {
        state->ratio = fmax(state->ratio - RATIO_DECAY, MIN_RATIO);
    }
}

static void sglang_create_state(struct instance *instance)
{
    struct sglang *state = memory_zeroed(1, sizeof *state);
    radix_tree_init(&state->tree);
    state->free = instance->kv_cache.total_blocks;
    state->chunked = SGLANG_NOBODY;
    state->ratio = RATIO_INITIAL;
    state->none_before = true;
    instance->engine_state = state;
}

static void sglang_destroy_state(struct instance *instance)
{
    struct sglang *state = sglang_state_of(instance);
    radix_tree_clear(&state->tree);
    free(state->held);
    free(state->running.requests);
    free(state->last.requests);
    free(state);
}

double sglang_new_token_ratio(const struct instance *instance)
{
    return sglang_state_of(instance)->ratio;
}

void sglang_set_new_token_ratio(struct instance *instance, double ratio)
{
    sglang_state_of(instance)->ratio = ratio;
}

uint64_t sglang_evictable(const struct instance *instance)
{
    return sglang_state_of(instance)->tree.evictable;
}

static const struct setting own_settings[] = {
    {ENGINE_WHOLE("engine.max_prefill_tokens", sglang.max_prefill_tokens, 1, 1e6), .unit = "tokens",
     .help = "most prompt tokens of one step, but for a first longer prompt (max-prefill-tokens)"},
    {ENGINE_BOOL("engine.mixed_chunks", sglang.mixed_chunks),
     .help = "whether decodes run in the same step as a chunk of a prompt (enable-mixed-chunk)"},
    {ENGINE_BOOL("engine.ignores_eos", sglang.ignores_eos),
     .help = "whether every answer runs to its budget and the engine knows it (ignore_eos)"},
    {.name = NULL},
};

static const struct setting *const settings_tables[] = {
    engine_settings_of_all,
    engine_settings_of_chunks,
    engine_settings_of_overlap,
    engine_settings_of_prefixes,
    own_settings,
    NULL,
};

static uint32_t sglang_cached_tokens(const struct instance *instance, const struct request *request)
{
    return radix_tree_find(&sglang_state_of(instance)->tree, &request->ask.content,
                           request->known_tokens - 1);
}

const struct engine_preset engine_preset_sglang_0_4_6 = {
    .name = "sglang-0.4.6",
    .summary = "SGLang 0.4.6: prompts first, radix cache, retraction",
    .policies = POLICY_SCOPE_ORDER,
    .settings = settings_tables,
    .start = {.limits_on = start_limits_sglang},
    .defaults = {.block_tokens = 1,
                 .chunked_prefill = true,
                 .async_scheduling = true,
                 .prefix_caching = true,
                 .sglang = {.max_prefill_tokens = MAX_PREFILL_TOKENS}},
    .create_state = sglang_create_state,
    .destroy_state = sglang_destroy_state,
    .cached_tokens = sglang_cached_tokens,
    .schedule = sglang_schedule,
    .process_output = sglang_process_output,
    .repeats.repeatable_steps = sglang_repeatable_steps,
    .repeats.repeat = sglang_repeat,
};
