#include "sim/engines/vllm_v1.h"

#include <assert.h>
#include <string.h>

#include "sim/base/smaller.h"
#include "sim/engines/speculation.h"
#include "sim/engines/vllm_graphs.h"
#include "sim/serving/uniform_decodes.h"

/* A scheduling pass under way. */
struct scheduling_pass {
    struct instance *instance;
    struct batch *batch;
    uint32_t budget_tokens; /* left */
    uint32_t position;      /* among the ungrouped */
};

/* The token in flight is known to be the last one: nothing more to form (schedule(), the test of
 * num_output_placeholders). The request keeps slot and blocks. */
static bool is_ending(const struct instance *instance, const struct request *request)
{
    uint64_t reached = (uint64_t)request->computed_tokens + 2;
    return request->placeholders > 0 && reached >= (uint64_t)request->ask.prompt_tokens +
                                                       instance_output_limit(instance, request) +
                                                       request->placeholders;
}

/* Tokens the request would run if the budget were not in the way, drafts included. */
static uint32_t wanted_tokens(const struct instance *instance, const struct request *request)
{
    const struct engine_settings *settings = &instance->config->engine;
    uint32_t tokens =
        request->known_tokens + request->drafts + request->placeholders - request->computed_tokens;
    if (settings->long_prefill_threshold_tokens > 0) {
        tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
    }
    return tokens;
}

/* Beside the 'missing' ones, as far as they are free and the request could use them
 * (num_preallocate_tokens of vLLM 0.8). */
static uint32_t blocks_ahead(const struct instance *instance, uint32_t index, uint32_t missing)
{
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t ahead = kv_cache_blocks_for(cache, instance->config->preset->ahead_tokens);
    uint32_t most = kv_cache_blocks_for(cache, instance->config->engine.max_model_len);
    uint32_t held = cache->held_blocks[index] + missing;
    ahead = smaller(ahead, cache->free_blocks - missing);
    return smaller(ahead, held < most ? most - held : 0);
}

/* Blocks for 'tokens' more, none beyond max_model_len; false without side effect if they are not
 * free. */
static bool allocate(struct instance *instance, uint32_t index, uint32_t tokens,
                     uint32_t kept_blocks)
{
    const struct request *request = &instance->requests[index];
    struct kv_cache *cache = &instance->kv_cache;
    uint32_t reach =
        smaller(request->computed_tokens + tokens, instance->config->engine.max_model_len);
    if (kept_blocks == 0 && kv_cache_holds(cache, index, reach)) {
        return true;
    }
    uint32_t missing = kv_cache_missing_blocks(cache, index, reach);
    if ((uint64_t)missing + kept_blocks > cache->free_blocks) {
        return false;
    }
    if (missing > 0) {
        kv_cache_allocate(cache, index, missing + blocks_ahead(instance, index, missing));
    }
    return true;
}

/* Full blocks are known by what they hold as soon as a step is formed that fills them. */
static void note_content(struct instance *instance, uint32_t index, uint32_t tokens)
{
    const struct request *request = &instance->requests[index];
    if (instance->kv_cache.has_identity) {
        block_cache_note(&instance->kv_cache.blocks, index, &request->ask.content,
                         smaller(tokens, request->known_tokens));
    }
}

/* A victim that this scheduling pass has scheduled already gives its tokens back (priority policy).
 */
static void unschedule(struct scheduling_pass *pass, uint32_t victim)
{
    struct batch *batch = pass->batch;
    uint32_t tokens = batch_drop(batch, victim);
    if (tokens > 0) {
        pass->budget_tokens += tokens;
        pass->position--;
    }
}

/* Preempts one running request; false when it is 'index' itself. */
static bool preempt_for(struct scheduling_pass *pass, uint32_t index)
{
    struct instance *instance = pass->instance;
    struct scheduler_view view = {.instance = instance};
    assert(decode_group_count(&instance->decode_group) ==
           0); /* policies see every request up to date */
    uint32_t position = instance->config->policy->choose_victim != NULL
                            ? instance->config->policy->choose_victim(&view)
                            : instance->running_count - 1;
    uint32_t victim = instance->running[position];
    struct request *request = &instance->requests[victim];
    instance_remove_running(instance, victim);
    unschedule(pass, victim);
    kv_cache_free_blocks(&instance->kv_cache, victim);
    request->recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    request->drafts = 0;
    request->remote_tokens = 0;
    request->preemptions++;
    request->status = REQUEST_PREEMPTED;
    instance_enqueue(instance, victim);
    batch_add_preempted(pass->batch, victim);
    return victim != index;
}

/* Drafts that did not fit are dropped. */
static void schedule_request(struct scheduling_pass *pass, uint32_t index, uint32_t tokens)
{
    struct request *request = &pass->instance->requests[index];
    uint32_t reach = request->computed_tokens + tokens;
    uint32_t known = request->known_tokens + request->placeholders;
    pass->budget_tokens -= tokens;
    note_content(pass->instance, index, reach);
    batch_add(pass->batch, (struct batch_entry){
                               .request = index,
                               .tokens = tokens,
                               .drafts = request->drafts > 0 && reach > known ? reach - known : 0,
                               .computed_before = request->computed_tokens});
    request->drafts = 0;
}

/* Whether tokens and blocks suffice for all members and every ungrouped request, whoever goes
 * first. Tokens that a prompt wants beyond the budget do not count: prompts come after all members.
 */
static bool suits_all(const struct instance *instance)
{
    const struct decode_group *decode_group = &instance->decode_group;
    uint32_t budget_tokens = instance->config->engine.max_batch_tokens;
    struct periodic_growth growth = decode_group_growth(decode_group);
    uint64_t blocks = periodic_growth_of_steps(&growth, 1);
    for (uint32_t i = 0; i < instance->ungrouped_count; i++) {
        const struct request *request = &instance->requests[instance->ungrouped[i]];
        if (!is_ending(instance, request)) {
            uint32_t tokens = smaller(wanted_tokens(instance, request), budget_tokens);
            uint64_t reach =
                smaller(request->computed_tokens + tokens, instance->config->engine.max_model_len);
            uint32_t missing =
                kv_cache_missing_blocks(&instance->kv_cache, instance->ungrouped[i], reach);
            blocks += missing > 0 ? missing + decode_group->blocks_at_a_time - 1 : 0;
        }
    }
    return instance->running_count <= budget_tokens && blocks <= instance->kv_cache.free_blocks;
}

/* The members of the decode group, all at once; where their place in the order matters, each for
 * itself.
 */
static void schedule_decode_group(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    struct decode_group *decode_group = &instance->decode_group;
    if (decode_group_count(decode_group) > 0 && !suits_all(instance)) {
        decode_group_dissolve(instance);
    }
    pass->batch->summary.decode_requests = decode_group_count(decode_group);
    pass->batch->summary.decode_context_tokens = decode_group->context_tokens;
    pass->batch->summary.decode_context_squares = decode_group->context_squares;
    pass->budget_tokens -= decode_group_count(decode_group);
    decode_group_schedule(instance);
}

/* Part A of schedule(): the running requests in order. */
static void schedule_running(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    while (pass->position < instance->ungrouped_count && pass->budget_tokens > 0) {
        uint32_t index = instance->ungrouped[pass->position];
        const struct request *request = &instance->requests[index];
        if (is_ending(instance, request)) {
            pass->position++;
            continue;
        }
        uint32_t tokens = smaller(wanted_tokens(instance, request), pass->budget_tokens);
        uint32_t room = instance->config->engine.max_model_len - 1 - request->computed_tokens;
        tokens = smaller(tokens, room);
        if (tokens == 0) {
            pass->position++;
            continue;
        }
        bool fits = allocate(instance, index, tokens, 0);
        while (!fits) {
            if (!preempt_for(pass, index)) {
                return;
            }
            fits = allocate(instance, index, tokens, 0);
        }
        schedule_request(pass, index, tokens);
        pass->position++;
    }
}

/* What the cache has of the request's known tokens; at least one is left to compute. */
static struct prefix_hit find_prefix(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    const struct kv_cache *cache = &instance->kv_cache;
    return cache->has_identity ? block_cache_find(&cache->blocks, &request->ask.content,
                                                  (request->known_tokens - 1) / cache->block_tokens)
                               : (struct prefix_hit){0, 0, 0};
}

/* Whether blocks for the first 'tokens' tokens are free, beyond those found. */
static bool has_room(const struct kv_cache *cache, uint32_t tokens, struct prefix_hit hit,
                     uint32_t watermark)
{
    uint32_t needed = kv_cache_blocks_for(cache, tokens);
    uint32_t missing = needed > hit.blocks ? needed - hit.blocks : 0;
    return (uint64_t)missing + hit.free + watermark <= cache->free_blocks;
}

/* Known tokens that need no computing here. */
static uint32_t found_computed(const struct instance *instance, uint32_t index,
                               struct prefix_hit hit)
{
    uint32_t cached = hit.blocks * instance->config->engine.block_tokens;
    uint32_t remote = instance->requests[index].remote_tokens;
    return remote > cached ? remote : cached;
}

/* Admits the request with so many tokens beyond those found, if blocks suffice. With
 * scheduler_reserve_full_isl those of all known tokens must be free now; it reserves nothing. */
static bool admit(struct instance *instance, uint32_t index, uint32_t tokens, struct prefix_hit hit,
                  uint32_t watermark)
{
    struct kv_cache *cache = &instance->kv_cache;
    struct request *request = &instance->requests[index];
    uint32_t most = instance->config->engine.max_model_len;
    uint32_t found_tokens = found_computed(instance, index, hit);
    if ((instance->config->engine.reserve_full_prompt &&
         !has_room(cache, smaller(request->known_tokens, most), hit, watermark)) ||
        !has_room(cache, smaller(found_tokens + tokens, most), hit, watermark)) {
        return false;
    }
    if (hit.blocks > 0) {
        kv_cache_share(cache, index, &request->ask.content, hit);
        request->cached_tokens += request->preemptions == 0 ? hit.blocks * cache->block_tokens : 0;
    }
    request->computed_tokens = found_tokens;
    return allocate(instance, index, tokens, 0);
}

/* Part B of schedule(): the waiting requests, up to the first that cannot be admitted. */
static void schedule_waiting(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    const struct engine_settings *settings = &instance->config->engine;
    while (instance->waiting.count > 0 && pass->budget_tokens > 0 &&
           instance->running_count < settings->max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        struct request *request = &instance->requests[index];
        struct prefix_hit hit = find_prefix(instance, index);
        uint32_t tokens = request->known_tokens - found_computed(instance, index, hit);
        if (settings->long_prefill_threshold_tokens > 0) {
            tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
        }
        if (!settings->chunked_prefill && tokens > pass->budget_tokens) {
            return;
        }
        tokens = smaller(tokens, pass->budget_tokens);
        uint32_t watermark = instance->running_count > 0 ? instance->watermark_blocks : 0;
        if (!admit(instance, index, tokens, hit, watermark)) {
            return;
        }
        request_queue_pop_front(&instance->waiting);
        instance_add_running(instance, index);
        request->status = REQUEST_RUNNING;
        schedule_request(pass, index, tokens);
    }
}

/* _update_after_schedule: tokens count as computed once scheduled; a step that reaches the end of
 * the known tokens yields one more, which stands as a placeholder until its output is processed, as
 * drafts do. Without waiting for outputs each further step is formed with all drafts. */
static void advance(struct instance *instance, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        request->computed_tokens += entry->tokens;
        entry->samples = request->computed_tokens >= request->known_tokens + request->placeholders;
        if (entry->samples) {
            entry->accepted = entry->drafts > 0 ? speculation_verify(request, entry->drafts) : 0;
            request->placeholders += 1 + entry->drafts;
            request->drafts = instance->config->engine.async_scheduling
                                  ? instance->config->engine.draft_tokens
                                  : 0;
        }
    }
}

static void schedule_step(struct instance *instance, struct batch *batch)
{
    struct scheduling_pass pass = {.instance = instance,
                                   .batch = batch,
                                   .budget_tokens = instance->config->engine.max_batch_tokens};
    batch_reset(batch);
    schedule_decode_group(&pass);
    schedule_running(&pass);
    if (batch->preempted_count == 0) {
        schedule_waiting(&pass);
    }
    advance(instance, batch);
    batch_summarize(batch);
}

static void vllm_v1_schedule(struct instance *instance, struct batch *batch)
{
    const struct engine_settings *settings = &instance->config->engine;
    schedule_step(instance, batch);
    batch_summary_choose_graph(&batch->summary, settings->max_batch_requests,
                               settings->max_batch_tokens, settings->draft_tokens);
}

/* A request may end while it waits, preempted with its last token in flight. It leaves the steps in
 * flight too, so that what remains there is who waits for a token. */
static void finish(struct instance *instance, uint32_t index)
{
    struct request *request = &instance->requests[index];
    for (uint32_t k = 0; request->placeholders > 0 && k < instance->steps_in_flight; k++) {
        batch_drop(instance_step(instance, k), index);
    }
    if (request->status == REQUEST_PREEMPTED) {
        request_queue_remove(&instance->waiting, index);
    } else {
        instance_remove_running(instance, index);
    }
    kv_cache_free_blocks(&instance->kv_cache, index);
    request->status = REQUEST_FINISHED;
    instance->finished[instance->finished_count++] = index;
}

/* The sampled token and the accepted drafts before it, up to the one that ends the request; then
 * what is drafted for its next step. */
static void take_tokens(struct instance *instance, const struct batch_entry *entry)
{
    struct request *request = &instance->requests[entry->request];
    const struct engine_settings *settings = &instance->config->engine;
    for (uint32_t i = 0; i <= entry->accepted; i++) {
        request->known_tokens++;
        if (instance_tokens_left(instance, request) == 0) {
            finish(instance, entry->request);
            return;
        }
    }
    if (request->status == REQUEST_RUNNING) {
        note_content(instance, entry->request, request->computed_tokens - request->placeholders);
    }
    if (!settings->async_scheduling) {
        request->drafts =
            smaller(settings->draft_tokens, settings->max_model_len - request->known_tokens);
    }
}

/* update_from_output: one token for each request that sampled; the finished leave at once. A token
 * of a request that has finished meanwhile is dropped. */
static void vllm_v1_process_output(struct instance *instance, struct batch *batch)
{
    instance->finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        if (!entry->samples || request->status == REQUEST_FINISHED) {
            continue;
        }
        assert(request->placeholders > entry->drafts);
        if (request->status == REQUEST_RUNNING) {
            request->computed_tokens -= entry->drafts - entry->accepted;
        }
        request->placeholders -= 1 + entry->drafts;
        take_tokens(instance, entry);
    }
}

/* Whether the next scheduling pass would admit the first of the waiting. Blocks only get fewer
 * while a decode repeats, so a 'no' holds. */
static bool vllm_v1_admits_waiting(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    if (instance->waiting.count == 0 || instance->running_count >= settings->max_batch_requests ||
        instance->running_count >= settings->max_batch_tokens) {
        return false;
    }
    uint32_t budget_tokens = settings->max_batch_tokens - instance->running_count;
    uint32_t index = request_queue_at(&instance->waiting, 0);
    uint32_t tokens = instance->requests[index].known_tokens;
    if (settings->long_prefill_threshold_tokens > 0) {
        tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
    }
    if (!settings->chunked_prefill && tokens > budget_tokens) {
        return false;
    }
    uint32_t most = settings->max_model_len;
    uint32_t known = smaller(instance->requests[index].known_tokens, most);
    const struct prefix_hit none = {0, 0, 0};
    return (!settings->reserve_full_prompt ||
            has_room(&instance->kv_cache, known, none, instance->watermark_blocks)) &&
           has_room(&instance->kv_cache, smaller(smaller(tokens, budget_tokens), most), none,
                    instance->watermark_blocks);
}

/* Until the request ends, is known to end, or reaches max_model_len. */
static uint32_t vllm_v1_steady_steps(const struct instance *instance, const struct request *request)
{
    int64_t outputs = request_outputs(request);
    int64_t last = smaller(request->truth.output_tokens, request->ask.max_output_tokens);
    int64_t room = (int64_t)instance->config->engine.max_model_len - request->known_tokens;
    int64_t in_flight = request->placeholders;
    int64_t steps = last - outputs - 1;
    int64_t until_known = (int64_t)request->ask.max_output_tokens - outputs - 2;
    if (in_flight > 1 && until_known < steps) {
        steps = until_known;
    }
    if (room - in_flight < steps) {
        steps = room - in_flight;
    }
    if (room - 1 < steps) {
        steps = room - 1;
    }
    return steps > 0 ? (uint32_t)(steps < UINT32_MAX ? steps : UINT32_MAX) : 0;
}

/* With prefix caching no decode group is kept. Whoever waits might find more in the cache by and
 * by. */
static uint64_t vllm_v1_repeatable_steps(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    uint64_t steps = UINT64_MAX;
    if (!instance->kv_cache.has_identity ||
        instance->steps[instance->oldest_step].count != instance->running_count ||
        (instance->waiting.count > 0 && instance->running_count < settings->max_batch_requests &&
         instance->running_count < settings->max_batch_tokens)) {
        return 0;
    }
    for (uint32_t i = 0; i < instance->running_count && steps > 0; i++) {
        const struct request *request = &instance->requests[instance->running[i]];
        uint64_t its = instance->config->preset->steady_steps(instance, request);
        steps = its < steps ? its : steps;
    }
    return steps;
}

/* And as long as it takes blocks ahead in full: near max_model_len they become fewer. */
static uint32_t vllm_0_8_steady_steps(const struct instance *instance,
                                      const struct request *request)
{
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t at_a_time = instance->decode_group.blocks_at_a_time;
    uint32_t most = kv_cache_blocks_for(cache, instance->config->engine.max_model_len);
    uint32_t held = cache->held_blocks[request - instance->requests];
    uint32_t times = most > held ? (most - held) / at_a_time : 0;
    uint64_t reach = ((uint64_t)held + (uint64_t)times * at_a_time) * cache->block_tokens;
    uint64_t steps = reach > request->computed_tokens ? reach - request->computed_tokens : 0;
    uint32_t until_end = vllm_v1_steady_steps(instance, request);
    return steps < until_end ? (uint32_t)steps : until_end;
}

/* N-gram proposals are made on the CPU, from tokens that must be at hand. */
static void vllm_0_24_settle(struct engine_settings *settings)
{
    settings->async_scheduling = settings->async_scheduling && settings->draft_tokens == 0;
}

const struct engine_preset engine_preset_vllm_0_24 = {
    .name = "vllm-0.24",
    .summary = "vLLM 0.24.0: V1 scheduler, asynchronous",
    .reserved_blocks = 1,
    .has_policies = true,
    .moves_kv = true,
    .defaults = {.max_batch_tokens = 2048, .max_batch_requests = 128, .block_tokens = 16},
    .settle = vllm_0_24_settle,
    .schedule = vllm_v1_schedule,
    .process_output = vllm_v1_process_output,
    .repeatable_steps = vllm_v1_repeatable_steps,
    .repeat = uniform_decodes_repeat_blocks,
    .steady_steps = vllm_v1_steady_steps,
    .admits_waiting = vllm_v1_admits_waiting,
};

/* vLLM 0.8.1: piecewise graphs only, for decodes and mixed steps alike, up to 512 tokens
 * (gpu_model_runner.py:execute_model, config.py:_set_cudagraph_sizes). What calibrations hold for
 * piecewise steps is the launch of chunks, with all that is prepared for them; the study's
 * quantized models decode faster than that, so decodes are launched like full graphs. */
static void vllm_0_8_schedule(struct instance *instance, struct batch *batch)
{
    enum { MAX_GRAPH = 512 };
    struct batch_summary *summary = &batch->summary;
    schedule_step(instance, batch);
    uint32_t tokens = batch_summary_tokens(summary);
    bool has_graph = tokens <= MAX_GRAPH;
    summary->padded_tokens =
        has_graph && tokens > 2 ? (tokens <= 4 ? 4 : (tokens + 7) / 8 * 8) : tokens;
    bool decodes = summary->prefill_requests == 0;
    summary->cuda_graph = !has_graph ? CUDA_GRAPH_NONE
                          : decodes  ? CUDA_GRAPH_FULL
                                     : CUDA_GRAPH_PIECEWISE;
}

/* What the release does not have. */
static void vllm_0_8_settle(struct engine_settings *settings)
{
    settings->async_scheduling = false;
    settings->reserve_full_prompt = false;
    settings->chunked_prefill = true;
    settings->watermark_ratio = 0;
    settings->long_prefill_threshold_tokens = 0;
}

const struct engine_preset engine_preset_vllm_0_8 = {
    .name = "vllm-0.8",
    .summary = "vLLM 0.8.1: V1 scheduler, one step at a time",
    .ahead_tokens = 64,
    .frees_to_tail = true,
    .moves_kv = true,
    /* The KV caches in the study's figures (430,000 and 290,000 tokens) leave no room for sampling
     * 1024 requests in the profile run. The loop takes 1 to 3 ms a step. N-gram drafts are searched
     * for request by request: inferred from the study's steps with and without (arXiv 2510.18672,
     * Tables 2 and 18; README). */
    .defaults = {.max_batch_tokens = 2048,
                 .max_batch_requests = 1024,
                 .block_tokens = 16,
                 .profiled_requests = 128,
                 .loop_ms = 1.5,
                 .draft_request_us = 1200,
                 .draft_token_ns = 650},
    .settle = vllm_0_8_settle,
    .schedule = vllm_0_8_schedule,
    .process_output = vllm_v1_process_output,
    .repeatable_steps = vllm_v1_repeatable_steps,
    .repeat = uniform_decodes_repeat_blocks,
    .steady_steps = vllm_0_8_steady_steps,
    .admits_waiting = vllm_v1_admits_waiting,
};
