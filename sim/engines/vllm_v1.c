#include "sim/engines/vllm_v1.h"

#include <assert.h>

#include "sim/base/smaller.h"
#include "sim/base/units.h"
#include "sim/engines/start_limits.h"
#include "sim/engines/vllm_graphs.h"
#include "sim/engines/vllm_v1_pass.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/uniform_decodes.h"

static void vllm_v1_schedule(struct instance *instance, struct batch *batch)
{
    const struct engine_settings *settings = &instance->config->engine;
    vllm_v1_pass_schedule(instance, batch);
    batch_summary_choose_graph(&batch->summary, settings->max_batch_requests,
                               settings->max_batch_tokens, settings->draft_tokens);
}

/* A request may end while it waits, preempted with its last token in flight. It leaves the steps in
 * flight too, so that what remains there is who waits for a token. */
static void finish(struct instance *instance, uint32_t index)
{
    struct request *request = &instance->requests[index];
    for (uint32_t k = 0; request->placeholders > 0 && k < instance->loop.steps_in_flight; k++) {
        batch_drop(instance_step(instance, k), index);
    }
    if (request->status == REQUEST_PREEMPTED) {
        request_queue_remove(&instance->waiting, index);
    } else {
        instance_remove_running(instance, index);
    }
    kv_cache_free_blocks(&instance->kv_cache, index);
    request_become(request, REQUEST_FINISHED);
    instance->leaving.finished[instance->leaving.finished_count++] = index;
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
        vllm_v1_note_content(instance, entry->request,
                             request->computed_tokens - request->placeholders);
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
    instance->leaving.finished_count = 0;
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
    uint64_t decode_tokens =
        (uint64_t)instance->running_count * decode_group_member_tokens(&instance->decode_group);
    if (instance->waiting.count == 0 || instance->running_count >= settings->max_batch_requests ||
        decode_tokens >= settings->max_batch_tokens) {
        return false;
    }
    uint32_t budget_tokens = settings->max_batch_tokens - (uint32_t)decode_tokens;
    uint32_t index = request_queue_at(&instance->waiting, 0);
    if (!instance_policy_may_admit(instance, index)) {
        return false;
    }
    budget_tokens = smaller(budget_tokens, instance_policy_chunk_tokens(instance));
    uint32_t found = instance->requests[index].remote_tokens;
    uint32_t tokens = instance->requests[index].known_tokens - found;
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
            vllm_v1_has_room(&instance->kv_cache, known, none, instance->watermark_blocks)) &&
           vllm_v1_has_room(&instance->kv_cache,
                            smaller(found + smaller(tokens, budget_tokens), most), none,
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
        instance->loop.steps[instance->loop.oldest_step].count != instance->running_count ||
        (instance->waiting.count > 0 && instance->running_count < settings->max_batch_requests &&
         instance->running_count < settings->max_batch_tokens)) {
        return 0;
    }
    for (uint32_t i = 0; i < instance->running_count && steps > 0; i++) {
        const struct request *request = &instance->requests[instance->running[i]];
        uint64_t its = instance->config->preset->repeats.steady_steps(instance, request);
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

static const struct setting settings_of_0_24[] = {
    {ENGINE_WHOLE("engine.long_prefill_threshold_tokens", long_prefill_threshold_tokens, 0, 1e6),
     .unit = "tokens",
     .help = "longest chunk of a prompt in one step; 0: as long as the step allows "
             "(long-prefill-token-threshold)"},
    {ENGINE_NUMBER("engine.watermark_ratio", watermark_ratio, 0, 0.99),
     .help = "share of the KV blocks that admissions leave free"},
    {ENGINE_BOOL("engine.reserve_full_prompt", reserve_full_prompt),
     .help = "whether a request is admitted only if its whole prompt fits the free KV blocks"},
    {.name = NULL},
};

static const struct setting *const tables_of_0_24[] = {
    engine_settings_of_all,    engine_settings_of_blocks,  engine_settings_of_usage,
    engine_settings_of_chunks, engine_settings_of_overlap, engine_settings_of_prefixes,
    engine_settings_of_drafts, settings_of_0_24,           NULL,
};

const struct engine_preset engine_preset_vllm_0_24 = {
    .name = "vllm-0.24",
    .summary = "vLLM 0.24.0: V1 scheduler, asynchronous",
    .reserved_blocks = 1,
    .policies = POLICY_SCOPE_VICTIMS,
    .moves_kv = true,
    .settings = tables_of_0_24,
    .defaults = {.block_tokens = 16,
                 .reserve_full_prompt = true,
                 .chunked_prefill = true,
                 .async_scheduling = true},
    .start = {.caches_prefixes = true, .limits_on = start_limits_vllm_0_24},
    .schedule = vllm_v1_schedule,
    .process_output = vllm_v1_process_output,
    .repeats.repeatable_steps = vllm_v1_repeatable_steps,
    .repeats.repeat = uniform_decodes_repeat_blocks,
    .repeats.steady_steps = vllm_v1_steady_steps,
    .repeats.admits_waiting = vllm_v1_admits_waiting,
};

/* vLLM 0.8.1: piecewise graphs only, for decodes and mixed steps alike, up to 512 tokens
 * (gpu_model_runner.py:execute_model, config.py:_set_cudagraph_sizes). What calibrations hold for
 * piecewise steps is the launch of chunks, with all that is prepared for them; the study's
 * quantized models decode faster than that, so decodes are launched like full graphs. */
static void vllm_0_8_schedule(struct instance *instance, struct batch *batch)
{
    enum { MAX_GRAPH = 512 };
    struct batch_summary *summary = &batch->summary;
    vllm_v1_pass_schedule(instance, batch);
    uint32_t tokens = batch_summary_tokens(summary);
    bool has_graph = tokens <= MAX_GRAPH;
    summary->padded_tokens =
        has_graph && tokens > 2 ? (tokens <= 4 ? 4 : (tokens + 7) / 8 * 8) : tokens;
    bool decodes = summary->prefill_requests == 0;
    summary->cuda_graph = !has_graph ? CUDA_GRAPH_NONE
                          : decodes  ? CUDA_GRAPH_FULL
                                     : CUDA_GRAPH_PIECEWISE;
}

static const struct setting *const tables_of_0_8[] = {
    engine_settings_of_all,      engine_settings_of_blocks, engine_settings_of_usage,
    engine_settings_of_prefixes, engine_settings_of_drafts, NULL,
};

const struct engine_preset engine_preset_vllm_0_8 = {
    .name = "vllm-0.8",
    .summary = "vLLM 0.8.1: V1 scheduler, one step at a time",
    .ahead_tokens = 64,
    .frees_to_tail = true,
    .policies = POLICY_SCOPE_VICTIMS,
    .moves_kv = true,
    /* The KV caches in the study's figures (430,000 and 290,000 tokens) leave no room for sampling
     * 1024 requests in the profile run. The loop takes 1 to 3 ms a step. N-gram drafts are searched
     * for request by request: inferred from the study's steps with and without (arXiv 2510.18672,
     * Tables 2 and 18; README). */
    .defaults = {.block_tokens = 16,
                 .chunked_prefill = true,
                 .host = {.loop_ps = 3 * PS_PER_MS / 2,
                          .draft_request_ps = 1200 * PS_PER_US,
                          .draft_token_ps = 650 * PS_PER_NS}},
    .start = {.profiled_requests = 128,
              .caches_prefixes = true,
              .limits_on = start_limits_vllm_0_8},
    .settings = tables_of_0_8,
    .schedule = vllm_0_8_schedule,
    .process_output = vllm_v1_process_output,
    .repeats.repeatable_steps = vllm_v1_repeatable_steps,
    .repeats.repeat = uniform_decodes_repeat_blocks,
    .repeats.steady_steps = vllm_0_8_steady_steps,
    .repeats.admits_waiting = vllm_v1_admits_waiting,
};
