#include "sim/engines/vllm_v0.h"

#include <assert.h>
#include <string.h>

#include "sim/base/smaller.h"
#include "sim/base/units.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/uniform_decodes.h"

/* A scheduling pass under way. */
struct scheduling_pass {
    struct instance *instance;
    struct batch *batch;
    uint32_t tokens;       /* so far */
    uint32_t requests;     /* that count against the limit */
    uint32_t longest;      /* context of a decode */
    uint32_t new_prefills; /* leading entries of the batch: admitted by this scheduling pass */
    uint32_t old_prefills; /* those behind: chunks of prompts admitted before */
    bool preempted;        /* or swapped out */
};

static bool is_decode(const struct request *request)
{
    return request_outputs(request) > 0 && request->known_tokens - request->computed_tokens == 1;
}

/* Room of a chunk: what is left of the budget, whole blocks with prefix caching. */
static uint32_t chunk_room(const struct scheduling_pass *pass)
{
    const struct engine_settings *settings = &pass->instance->config->engine;
    uint32_t room = settings->max_batch_tokens - pass->tokens;
    return settings->prefix_caching ? room - room % settings->block_tokens : room;
}

static void insert_entry(struct batch *batch, uint32_t place, struct batch_entry entry)
{
    batch_add(batch, entry);
    memmove(&batch->entries[place + 1], &batch->entries[place],
            (batch->count - 1 - place) * sizeof batch->entries[0]);
    batch->entries[place] = entry;
}

/* Executed are new prompts, then prompts begun before, then decodes. */
static void schedule_request(struct scheduling_pass *pass, uint32_t index, uint32_t tokens,
                             uint32_t cached, bool is_new)
{
    struct request *request = &pass->instance->requests[index];
    uint32_t place = pass->batch->count;
    struct batch_entry entry = {.request = index,
                                .tokens = tokens,
                                .cached = smaller(cached, tokens - 1),
                                .computed_before = request->computed_tokens};
    if (is_new) {
        place = pass->new_prefills++;
    } else if (!is_decode(request)) {
        place = pass->new_prefills + pass->old_prefills++;
    } else if (request->computed_tokens > pass->longest) {
        pass->longest = request->computed_tokens;
    }
    request->computed_tokens += tokens;
    entry.samples = request->computed_tokens == request->known_tokens;
    insert_entry(pass->batch, place, entry);
    pass->tokens += cached < tokens ? tokens - cached : 1;
    if (pass->instance->kv_cache.has_identity) {
        block_cache_note(&pass->instance->kv_cache.blocks, index, &request->ask.content,
                         request->computed_tokens);
    }
}

static void leave_queues(struct instance *instance, uint32_t index)
{
    switch (instance->requests[index].status) {
    case REQUEST_PREEMPTED:
        request_queue_remove(&instance->waiting, index);
        break;
    case REQUEST_SWAPPED:
        request_queue_remove(&instance->swapped, index);
        instance->swapped_blocks -= instance->requests[index].swapped_blocks;
        break;
    default:
        instance_remove_running(instance, index);
        break;
    }
}

/* It leaves the steps in flight too: its decode there is wasted. */
static void finish(struct instance *instance, uint32_t index)
{
    leave_queues(instance, index);
    for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
        batch_drop(instance_step(instance, k), index);
    }
    kv_cache_free_blocks(&instance->kv_cache, index);
    request_become(&instance->requests[index], REQUEST_FINISHED);
    instance->leaving.finished[instance->leaving.finished_count++] = index;
}

/* 'ignored': finished with the output it has, which is none unless it was preempted and cannot be
 * computed again in one step. What was answered then was cut, and is no right answer. */
static void refuse_head(struct instance *instance)
{
    uint32_t index = request_queue_pop_front(&instance->waiting);
    struct request *request = &instance->requests[index];
    if (request_outputs(request) > 0) {
        request_become(request, REQUEST_FINISHED);
        request->truth.is_correct = false;
        instance->leaving.finished[instance->leaving.finished_count++] = index;
        return;
    }
    instance_add_refused(instance, index);
}

/* _preempt. An end that nobody has looked at yet comes first: then nothing is preempted. */
static void preempt(struct scheduling_pass *pass, uint32_t index)
{
    struct instance *instance = pass->instance;
    struct request *request = &instance->requests[index];
    uint32_t held = instance->kv_cache.held_blocks[index];
    if (instance_tokens_left(instance, request) == 0) {
        finish(instance, index);
        return;
    }
    instance_remove_running(instance, index);
    kv_cache_free_blocks(&instance->kv_cache, index);
    request->preemptions++;
    pass->preempted = true;
    if (instance->config->engine.swap.blocks >= instance->swapped_blocks + held) {
        request_become(request, REQUEST_SWAPPED);
        request->swapped_blocks = held;
        instance->swapped_blocks += held;
        request_queue_push_back(&instance->swapped, index);
        pass->batch->summary.swapped_blocks += held;
    } else {
        request_become(request, REQUEST_PREEMPTED);
        request->recomputed_tokens += request->computed_tokens;
        request->computed_tokens = 0;
        instance_policy_enqueue(instance, index);
    }
    batch_add_preempted(pass->batch, index);
}

/* Blocks of the first of the waiting, or whether it can never be admitted or not now. */
enum admission { ADMISSION_NOW, ADMISSION_LATER, ADMISSION_NEVER };

static enum admission try_blocks(const struct instance *instance, uint32_t blocks)
{
    const struct kv_cache *cache = &instance->kv_cache;
    uint64_t wanted = (uint64_t)blocks + instance->watermark_blocks;
    if (wanted > cache->total_blocks) {
        return ADMISSION_NEVER;
    }
    return wanted > cache->free_blocks ? ADMISSION_LATER : ADMISSION_NOW;
}

/* Tokens of the head that the cache has, from steps formed before this one, and all its full blocks
 * found there, which are shared in any case. */
static struct prefix_hit find_prefix(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    const struct kv_cache *cache = &instance->kv_cache;
    return cache->has_identity ? block_cache_find(&cache->blocks, &request->ask.content,
                                                  request->known_tokens / cache->block_tokens)
                               : (struct prefix_hit){0, 0, 0};
}

static void admit(struct scheduling_pass *pass, uint32_t index, uint32_t tokens, uint32_t cached,
                  struct prefix_hit hit)
{
    struct instance *instance = pass->instance;
    struct request *request = &instance->requests[index];
    struct kv_cache *cache = &instance->kv_cache;
    request_queue_pop_front(&instance->waiting);
    if (hit.blocks > 0) {
        kv_cache_share(cache, index, &request->ask.content, hit);
        request->cached_tokens += request_is_new(request) ? cached : 0;
    }
    kv_cache_allocate(cache, index, kv_cache_missing_blocks(cache, index, request->known_tokens));
    instance_policy_start(instance, index);
    request_become(request, REQUEST_RUNNING);
    pass->requests++;
    schedule_request(pass, index, tokens, cached, true);
}

/* _schedule_prefills: the waiting, up to the first that does not fit. */
static void schedule_waiting(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    const struct engine_settings *settings = &instance->config->engine;
    uint32_t limit = settings->chunked_prefill
                         ? settings->max_model_len
                         : smaller(settings->max_model_len, settings->max_batch_tokens);
    while (instance->waiting.count > 0) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        uint32_t known = instance->requests[index].known_tokens;
        if (!instance_policy_admits(instance, index)) {
            return;
        }
        enum admission admission =
            try_blocks(instance, kv_cache_blocks_for(&instance->kv_cache, known));
        if (known > limit || admission == ADMISSION_NEVER) {
            refuse_head(instance);
            continue;
        }
        struct prefix_hit hit = find_prefix(instance, index);
        uint32_t cached = hit.noted_before * settings->block_tokens;
        uint32_t tokens =
            settings->chunked_prefill ? smaller(known, cached + chunk_room(pass)) : known;
        uint32_t work = tokens > cached ? tokens - cached : 1;
        if (admission == ADMISSION_LATER || tokens == 0 ||
            pass->tokens + work > settings->max_batch_tokens ||
            pass->requests + 1 > settings->max_batch_requests) {
            return;
        }
        admit(pass, index, tokens, cached, hit);
    }
}

/* _schedule_running: decodes, and chunks of prompts admitted before. Victims come from behind. */
static void schedule_running(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    struct kv_cache *cache = &instance->kv_cache;
    for (uint32_t i = 0; i < instance->running_count; i++) {
        uint32_t index = instance->running[i];
        const struct request *request = &instance->requests[index];
        bool decodes = is_decode(request);
        uint32_t tokens =
            smaller(request->known_tokens - request->computed_tokens, chunk_room(pass));
        bool demands_block = decodes || request->known_tokens % cache->block_tokens != 0;
        if (instance->config->engine.chunked_prefill && tokens == 0) {
            return;
        }
        while (demands_block && cache->free_blocks == 0 && i < instance->running_count) {
            preempt(pass, instance->running[instance->running_count - 1]);
        }
        if (i < instance->running_count) {
            uint32_t missing = kv_cache_missing_blocks(cache, index, request->known_tokens);
            kv_cache_allocate(cache, index, missing);
            schedule_request(pass, index, tokens, 0, false);
        }
    }
}

/* _schedule_swapped: those swapped out come back and decode at once. */
static void schedule_swapped(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    struct kv_cache *cache = &instance->kv_cache;
    while (instance->swapped.count > 0) {
        uint32_t index = request_queue_at(&instance->swapped, 0);
        struct request *request = &instance->requests[index];
        uint32_t touched = 1 + (request->known_tokens - 1) / cache->block_tokens;
        if (try_blocks(instance, touched) != ADMISSION_NOW || chunk_room(pass) == 0 ||
            pass->requests + 1 > instance->config->engine.max_batch_requests) {
            return;
        }
        request_queue_pop_front(&instance->swapped);
        instance->swapped_blocks -= request->swapped_blocks;
        pass->batch->summary.swapped_blocks += request->swapped_blocks;
        kv_cache_allocate(cache, index,
                          kv_cache_missing_blocks(cache, index, request->known_tokens));
        instance_policy_start(instance, index);
        request_become(request, REQUEST_RUNNING);
        pass->requests++;
        schedule_request(
            pass, index,
            smaller(request->known_tokens - request->computed_tokens, chunk_room(pass)), 0, false);
    }
}

/* _schedule_priority_preemption: the worst of the running make room for a better one that waits; it
 * is admitted by the next pass. */
static void preempt_for_better(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    const struct request_queue *waiting = &instance->waiting;
    for (uint32_t i = 1; i < instance->running_count; i++) {
        uint32_t moved = instance->running[i];
        uint32_t to = i;
        for (; to > 0 && request_queue_is_before(waiting, moved, instance->running[to - 1]); to--) {
            instance->running[to] = instance->running[to - 1];
        }
        instance->running[to] = moved;
    }
    if (instance->waiting.count == 0) {
        return;
    }
    uint32_t head = request_queue_at(waiting, 0);
    uint32_t known = instance->requests[head].known_tokens;
    uint32_t blocks = kv_cache_blocks_for(&instance->kv_cache, known);
    while (instance->running_count > 0) {
        uint32_t worst = instance->running[instance->running_count - 1];
        bool fits = try_blocks(instance, blocks) == ADMISSION_NOW &&
                    known <= instance->config->engine.max_batch_tokens &&
                    instance->running_count < instance->config->engine.max_batch_requests;
        if (fits || !request_queue_is_before(waiting, head, worst)) {
            break;
        }
        preempt(pass, worst);
        pass->preempted = false; /* swapping in is not held up by this */
    }
}

/* Chunked: those that decode, then prompts that end in this step, then prompts that go on; in each
 * group as they were, new ones at the end. */
static void order_running(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    uint32_t old_count = instance->running_count - pass->new_prefills;
    uint32_t *running = instance->running;
    uint32_t *sorted = instance->ungrouped; /* of the same size; nothing here is a decode group */
    uint32_t count = 0;
    for (int group = 0; group < 4; group++) {
        for (uint32_t i = 0; i < old_count; i++) {
            const struct request *request = &instance->requests[running[i]];
            bool ran = false;
            bool prefilled = false;
            for (uint32_t k = 0; k < pass->batch->count; k++) {
                if (pass->batch->entries[k].request == running[i]) {
                    ran = true;
                    prefilled = k < pass->new_prefills + pass->old_prefills;
                }
            }
            bool whole = request->computed_tokens == request->known_tokens;
            int its_group = !ran ? 3 : !prefilled ? 0 : whole ? 1 : 2;
            if (its_group == group) {
                sorted[count++] = running[i];
            }
        }
    }
    memcpy(running, sorted, old_count * sizeof running[0]);
    memcpy(instance->ungrouped, running, instance->running_count * sizeof running[0]);
}

static uint32_t longest_captured(const struct engine_settings *settings)
{
    return smaller(8192, settings->max_model_len);
}

/* Full graphs for steps of decodes, padded to a captured size, unless a context is too long;
 * anything else runs eagerly (model_runner.py:_use_captured_graph). */
static void choose_graph(const struct scheduling_pass *pass)
{
    enum { MAX_CAPTURED = 256 };
    struct batch_summary *summary = &pass->batch->summary;
    const struct engine_settings *settings = &pass->instance->config->engine;
    uint32_t tokens = batch_summary_tokens(summary);
    uint32_t padded = tokens <= 2 ? tokens : tokens <= 4 ? 4 : (tokens + 7) / 8 * 8;
    uint32_t largest = smaller((settings->max_batch_requests + 7) / 8 * 8, MAX_CAPTURED);
    bool captured = pass->new_prefills + pass->old_prefills == 0 && padded <= largest &&
                    pass->longest < longest_captured(settings);
    summary->cuda_graph = captured ? CUDA_GRAPH_FULL : CUDA_GRAPH_NONE;
    summary->padded_tokens = captured ? padded : tokens;
}

static void vllm_v0_schedule(struct instance *instance, struct batch *batch)
{
    struct scheduling_pass pass = {
        .instance = instance, .batch = batch, .requests = instance->running_count};
    bool chunked = instance->config->engine.chunked_prefill;
    batch_reset(batch);
    (void)instance_policy_begin_pass(instance);
    instance->kv_cache.blocks.call += instance->config->preset->counts_calls;
    if (!chunked && instance->swapped.count == 0) {
        schedule_waiting(&pass);
    }
    if (batch->count == 0) {
        if (!chunked && instance->waiting.orders != NULL) {
            preempt_for_better(&pass);
        }
        schedule_running(&pass);
        if (!pass.preempted) {
            schedule_swapped(&pass);
        }
        if (chunked) {
            schedule_waiting(&pass);
            order_running(&pass);
        }
    }
    batch_summarize(batch);
    choose_graph(&pass);
}

/* Tokens are known as soon as a step has run; who has ended is seen later. */
static void vllm_v0_take_tokens(struct instance *instance, struct batch *batch)
{
    batch->is_taken = true;
    instance->leaving.finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].samples) {
            instance->requests[batch->entries[i].request].known_tokens++;
        }
    }
}

static void vllm_v0_process_output(struct instance *instance, struct batch *batch)
{
    if (!batch->is_taken) {
        vllm_v0_take_tokens(instance, batch);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t index = batch->entries[i].request;
        const struct request *request = &instance->requests[index];
        if (batch->entries[i].samples && request->status != REQUEST_FINISHED &&
            instance_tokens_left(instance, request) == 0) {
            finish(instance, index);
        }
    }
}

/* Who waits or was swapped out stays where it is while blocks get fewer and nobody leaves. */
static bool is_held_back(const struct instance *instance)
{
    if (instance->running_count >= instance->config->engine.max_batch_requests) {
        return true;
    }
    const struct kv_cache *cache = &instance->kv_cache;
    if (instance->waiting.count > 0) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        uint32_t blocks = kv_cache_blocks_for(cache, instance->requests[index].known_tokens);
        if (try_blocks(instance, blocks) != ADMISSION_LATER) {
            return false;
        }
    }
    if (instance->swapped.count > 0) {
        uint32_t index = request_queue_at(&instance->swapped, 0);
        uint32_t known = instance->requests[index].known_tokens;
        return try_blocks(instance, 1 + (known - 1) / cache->block_tokens) != ADMISSION_NOW;
    }
    return true;
}

/* Until a context is too long for its graph. A better one that waits may make others leave, and
 * one whose prompt is too long is refused: then each step decides. */
static uint64_t vllm_v0_repeatable_steps(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    const struct batch *batch = &instance->loop.steps[instance->loop.oldest_step];
    uint32_t limit = longest_captured(settings);
    uint32_t longest = 0;
    if (batch->count != instance->running_count ||
        (instance->waiting.count > 0 &&
         (instance->waiting.orders != NULL || instance->config->policy->admits != NULL ||
          instance->requests[request_queue_at(&instance->waiting, 0)].known_tokens >
              settings->max_batch_tokens)) ||
        !is_held_back(instance)) {
        return 0;
    }
    for (uint32_t i = 0; i < instance->running_count; i++) {
        uint32_t computed = instance->requests[instance->running[i]].computed_tokens;
        longest = computed > longest ? computed : longest;
    }
    if (batch->summary.cuda_graph != CUDA_GRAPH_FULL) {
        return UINT64_MAX;
    }
    return longest < limit ? limit - longest : 0;
}

static const struct setting own_settings[] = {
    {ENGINE_NUMBER("engine.swap_gib", swap.gib, 0, 4096), .unit = "GiB",
     .help = "CPU memory for each GPU to which preempted requests are copied; 0 recomputes them "
             "(swap-space)"},
    {.name = NULL},
};

static const struct setting *const settings_tables[] = {
    engine_settings_of_all,
    engine_settings_of_blocks,
    engine_settings_of_chunks,
    engine_settings_of_overlap,
    engine_settings_of_prefixes,
    own_settings,
    NULL,
};

const struct engine_preset engine_preset_vllm_v0 = {
    .name = "vllm-v0",
    .summary = "vLLM 0.8.1: V0 scheduler, prompts first, recompute or swap",
    .spare_blocks = 1,
    .counts_calls = true,
    .policies = POLICY_SCOPE_ORDER,
    .defaults = {.max_batch_tokens = 32768,
                 .max_batch_requests = 256,
                 .block_tokens = 16,
                 .watermark_ratio = 0.01,
                 .async_scheduling = true,
                 .host = {.loop_ps = PS_PER_MS}},
    .settings = settings_tables,
    .start = {.otherwise_batch_tokens = 2048, .longest_request_tokens = 32768},
    .schedule = vllm_v0_schedule,
    .take_tokens = vllm_v0_take_tokens,
    .process_output = vllm_v0_process_output,
    .repeats.repeatable_steps = vllm_v0_repeatable_steps,
    .repeats.repeat = uniform_decodes_repeat_blocks,
};
