#include "sim/serving/vllm_v1.h"

#include <assert.h>
#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A forming under way. */
struct forming {
    struct instance *instance;
    struct batch *batch;
    uint32_t budget_tokens; /* left */
    uint32_t position;      /* among the loose */
};

/* The token in flight is known to be the last one: nothing more to form (schedule(), the test of
 * num_output_placeholders). The request keeps slot and blocks. */
static bool is_ending(const struct request *request)
{
    uint64_t reached = (uint64_t)request->computed_tokens + 2;
    return request->placeholders > 0 && reached >= (uint64_t)request->prompt_tokens +
                                                       request->max_output_tokens +
                                                       request->placeholders;
}

/* Tokens the request would run if the budget were not in the way. */
static uint32_t wanted_tokens(const struct instance *instance, const struct request *request)
{
    const struct engine_settings *settings = &instance->settings;
    uint32_t tokens = request->known_tokens + request->placeholders - request->computed_tokens;
    if (settings->long_prefill_threshold_tokens > 0) {
        tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
    }
    return tokens;
}

/* Blocks for 'tokens' more, none beyond max_model_len; false without side effect if they are not
 * free. */
static bool allocate(struct instance *instance, uint32_t index, uint32_t tokens,
                     uint32_t kept_blocks)
{
    const struct request *request = &instance->requests[index];
    struct kv_cache *cache = &instance->kv_cache;
    uint32_t reach = smaller(request->computed_tokens + tokens, instance->settings.max_model_len);
    if (kept_blocks == 0 && kv_cache_holds(cache, index, reach)) {
        return true;
    }
    uint32_t missing = kv_cache_missing_blocks(cache, index, reach);
    if ((uint64_t)missing + kept_blocks > cache->free_blocks) {
        return false;
    }
    if (missing > 0) {
        kv_cache_allocate(cache, index, missing);
    }
    return true;
}

/* A victim that this forming has scheduled already gives its tokens back (priority policy). */
static void unschedule(struct forming *forming, uint32_t victim)
{
    struct batch *batch = forming->batch;
    uint32_t tokens = batch_drop(batch, victim);
    if (tokens > 0) {
        forming->budget_tokens += tokens;
        forming->position--;
    }
}

/* Preempts one running request; false when it is 'index' itself. */
static bool preempt_for(struct forming *forming, uint32_t index)
{
    struct instance *instance = forming->instance;
    struct scheduler_view view = {.instance = instance};
    assert(cohort_count(&instance->cohort) == 0); /* policies see every request up to date */
    uint32_t position = instance->policy->choose_victim != NULL
                            ? instance->policy->choose_victim(&view)
                            : instance->running_count - 1;
    uint32_t victim = instance->running[position];
    struct request *request = &instance->requests[victim];
    instance_remove_running(instance, victim);
    unschedule(forming, victim);
    kv_cache_free_blocks(&instance->kv_cache, victim);
    request->recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    request->preemptions++;
    request->status = REQUEST_PREEMPTED;
    instance_enqueue(instance, victim);
    batch_add_preempted(forming->batch, victim);
    return victim != index;
}

static void schedule(struct forming *forming, uint32_t index, uint32_t tokens)
{
    forming->budget_tokens -= tokens;
    batch_add(forming->batch,
              (struct batch_entry){.request = index,
                                   .tokens = tokens,
                                   .computed_before =
                                       forming->instance->requests[index].computed_tokens});
}

/* Whether tokens and blocks suffice for all members and every loose request, whoever goes first.
 * Tokens that a prompt wants beyond the budget do not count: prompts come after all members. */
static bool suits_all(const struct instance *instance)
{
    const struct cohort *cohort = &instance->cohort;
    uint32_t budget_tokens = instance->settings.max_batch_tokens;
    struct block_growth growth = cohort_growth(cohort);
    uint64_t blocks = block_growth_of_turns(&growth, 1);
    for (uint32_t i = 0; i < instance->loose_count; i++) {
        const struct request *request = &instance->requests[instance->loose[i]];
        if (!is_ending(request)) {
            uint32_t tokens = smaller(wanted_tokens(instance, request), budget_tokens);
            uint64_t reach =
                smaller(request->computed_tokens + tokens, instance->settings.max_model_len);
            blocks += kv_cache_missing_blocks(&instance->kv_cache, instance->loose[i], reach);
        }
    }
    return instance->running_count <= budget_tokens && blocks <= instance->kv_cache.free_blocks;
}

/* The members of the cohort, all at once; where their place in the order matters, each for itself.
 */
static void form_cohort(struct forming *forming)
{
    struct instance *instance = forming->instance;
    struct cohort *cohort = &instance->cohort;
    if (cohort_count(cohort) > 0 && !suits_all(instance)) {
        cohort_dissolve(instance);
    }
    forming->batch->summary.decode_requests = cohort_count(cohort);
    forming->batch->summary.decode_context_tokens = cohort->context_tokens;
    forming->batch->summary.decode_context_squares = cohort->context_squares;
    forming->budget_tokens -= cohort_count(cohort);
    cohort_form(instance);
}

/* Part A of schedule(): the running requests in order. */
static void form_running(struct forming *forming)
{
    struct instance *instance = forming->instance;
    while (forming->position < instance->loose_count && forming->budget_tokens > 0) {
        uint32_t index = instance->loose[forming->position];
        const struct request *request = &instance->requests[index];
        if (is_ending(request)) {
            forming->position++;
            continue;
        }
        uint32_t tokens = smaller(wanted_tokens(instance, request), forming->budget_tokens);
        uint32_t room = instance->settings.max_model_len - 1 - request->computed_tokens;
        tokens = smaller(tokens, room);
        if (tokens == 0) {
            forming->position++;
            continue;
        }
        bool fits = allocate(instance, index, tokens, 0);
        while (!fits) {
            if (!preempt_for(forming, index)) {
                return;
            }
            fits = allocate(instance, index, tokens, 0);
        }
        schedule(forming, index, tokens);
        forming->position++;
    }
}

/* scheduler_reserve_full_isl: all known tokens must fit now. It reserves nothing. */
static bool passes_gate(const struct instance *instance, uint32_t index, uint32_t watermark)
{
    const struct request *request = &instance->requests[index];
    uint32_t known = smaller(request->known_tokens, instance->settings.max_model_len);
    return !instance->settings.reserve_full_prompt ||
           (uint64_t)kv_cache_blocks_for(&instance->kv_cache, known) + watermark <=
               instance->kv_cache.free_blocks;
}

/* Part B of schedule(): the waiting requests, up to the first that cannot be admitted. */
static void form_waiting(struct forming *forming)
{
    struct instance *instance = forming->instance;
    const struct engine_settings *settings = &instance->settings;
    while (instance->waiting.count > 0 && forming->budget_tokens > 0 &&
           instance->running_count < settings->max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        struct request *request = &instance->requests[index];
        uint32_t tokens = request->known_tokens;
        if (settings->long_prefill_threshold_tokens > 0) {
            tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
        }
        if (!settings->chunked_prefill && tokens > forming->budget_tokens) {
            return;
        }
        tokens = smaller(tokens, forming->budget_tokens);
        uint32_t watermark = instance->running_count > 0 ? instance->watermark_blocks : 0;
        if (!passes_gate(instance, index, watermark) ||
            !allocate(instance, index, tokens, watermark)) {
            return;
        }
        request_queue_pop_front(&instance->waiting);
        instance_add_running(instance, index);
        request->status = REQUEST_RUNNING;
        schedule(forming, index, tokens);
    }
}

/* _update_after_schedule: tokens count as computed once formed; a step that reaches the end of the
 * known tokens yields one more, which stands as a placeholder until its output is processed. */
static void advance(struct instance *instance, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        request->computed_tokens += entry->tokens;
        entry->samples = request->computed_tokens >= request->known_tokens + request->placeholders;
        if (entry->samples) {
            request->placeholders++;
        }
    }
}

static void vllm_v1_form(struct instance *instance, struct batch *batch)
{
    struct forming forming = {
        .instance = instance, .batch = batch, .budget_tokens = instance->settings.max_batch_tokens};
    batch_reset(batch);
    form_cohort(&forming);
    form_running(&forming);
    if (batch->preempted_count == 0) {
        form_waiting(&forming);
    }
    advance(instance, batch);
    batch_summarize(batch, instance->settings.max_batch_requests,
                    instance->settings.max_batch_tokens);
}

static bool is_last_token(const struct instance *instance, const struct request *request)
{
    uint32_t outputs = request_outputs(request);
    return outputs >= request->output_tokens || outputs >= request->max_output_tokens ||
           request->known_tokens >= instance->settings.max_model_len;
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

/* update_from_output: one token for each request that sampled; the finished leave at once. A token
 * of a request that has finished meanwhile is dropped. */
static void vllm_v1_process_output(struct instance *instance, const struct batch *batch)
{
    instance->finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        if (!entry->samples || request->status == REQUEST_FINISHED) {
            continue;
        }
        assert(request->placeholders > 0);
        request->placeholders--;
        request->known_tokens++;
        if (is_last_token(instance, request)) {
            finish(instance, entry->request);
        }
    }
}

/* Whether the next forming would admit the first of the waiting. Blocks only get fewer while a
 * decode repeats, so a 'no' holds. */
static bool vllm_v1_admits_waiting(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->settings;
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
    uint32_t reach = smaller(smaller(tokens, budget_tokens), settings->max_model_len);
    uint64_t blocks = kv_cache_blocks_for(&instance->kv_cache, reach);
    return passes_gate(instance, index, instance->watermark_blocks) &&
           blocks + instance->watermark_blocks <= instance->kv_cache.free_blocks;
}

/* Until the request ends, is known to end, or reaches max_model_len. */
static uint32_t vllm_v1_steady_turns(const struct instance *instance, const struct request *request)
{
    int64_t outputs = request_outputs(request);
    int64_t last = smaller(request->output_tokens, request->max_output_tokens);
    int64_t room = (int64_t)instance->settings.max_model_len - request->known_tokens;
    int64_t in_flight = request->placeholders;
    int64_t turns = last - outputs - 1;
    int64_t until_known = (int64_t)request->max_output_tokens - outputs - 2;
    if (in_flight > 1 && until_known < turns) {
        turns = until_known;
    }
    if (room - in_flight < turns) {
        turns = room - in_flight;
    }
    if (room - 1 < turns) {
        turns = room - 1;
    }
    return turns > 0 ? (uint32_t)(turns < UINT32_MAX ? turns : UINT32_MAX) : 0;
}

const struct engine_preset engine_preset_vllm_0_24 = {
    .name = "vllm-0.24",
    .summary = "vLLM 0.24.0: V1 scheduler, asynchronous",
    .reserved_blocks = 1,
    .form = vllm_v1_form,
    .process_output = vllm_v1_process_output,
    .steady_turns = vllm_v1_steady_turns,
    .admits_waiting = vllm_v1_admits_waiting,
};
