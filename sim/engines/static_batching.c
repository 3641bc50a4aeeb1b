#include "sim/engines/orca.h"
#include "sim/engines/simple_engine.h"

static uint32_t budget_of(const struct instance *instance, const struct request *request)
{
    return (uint32_t)simple_engine_tokens_needed(instance, request) - request->ask.prompt_tokens;
}

/* The oldest requests, as many as fit with the longest prompt and the largest budget of all. */
static uint32_t count_batch(const struct instance *instance)
{
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t longest_prompt = 0;
    uint32_t largest_budget = 0;
    uint32_t count = 0;
    while (count < instance->waiting.count && count < instance->config->engine.max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, count);
        const struct request *request = &instance->requests[index];
        uint32_t budget = budget_of(instance, request);
        longest_prompt = request->ask.prompt_tokens > longest_prompt ? request->ask.prompt_tokens
                                                                     : longest_prompt;
        largest_budget = budget > largest_budget ? budget : largest_budget;
        uint64_t blocks = kv_cache_blocks_for(cache, (uint64_t)longest_prompt + largest_budget);
        if (blocks * (count + 1) > cache->free_blocks) {
            break;
        }
        count++;
    }
    return count;
}

static void start_batch(struct instance *instance)
{
    struct kv_cache *cache = &instance->kv_cache;
    uint32_t count = count_batch(instance);
    uint32_t prompt = 0;
    uint32_t budget = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = request_queue_pop_front(&instance->waiting);
        struct request *request = &instance->requests[index];
        uint32_t its_budget = budget_of(instance, request);
        prompt = request->ask.prompt_tokens > prompt ? request->ask.prompt_tokens : prompt;
        budget = its_budget > budget ? its_budget : budget;
        request_become(request, REQUEST_RUNNING);
        instance_add_running(instance, index);
    }
    for (uint32_t i = 0; i < instance->running_count; i++) {
        kv_cache_allocate(cache, instance->running[i],
                          kv_cache_blocks_for(cache, (uint64_t)prompt + budget));
    }
}

/* Tokens formed so far, seen by the client or not. */
static uint32_t tokens_scheduled(const struct request *request)
{
    return request_outputs(request) + request->placeholders;
}

static bool is_live(const struct instance *instance, const struct request *request)
{
    return request->placeholders < instance_tokens_left(instance, request);
}

/* Every step runs all rows of the batch through the linear layers, those that have ended too, and
 * attention for the live ones. Unless it streams, all answers are sent when the last row ends. */
static void static_schedule(struct instance *instance, struct batch *batch)
{
    batch_reset(batch);
    if (instance->running_count == 0) {
        start_batch(instance);
    }
    uint32_t ending = 0;
    for (uint32_t i = 0; i < instance->running_count; i++) {
        struct request *request = &instance->requests[instance->running[i]];
        if (is_live(instance, request)) {
            simple_engine_add(instance, batch, instance->running[i]);
        }
        ending += !is_live(instance, request);
    }
    batch_summarize(batch);
    uint32_t rows = instance->running_count;
    bool prompts = batch->summary.prefill_requests > 0;
    batch->summary.padded_tokens = prompts ? batch_summary_tokens(&batch->summary) : rows;
    batch->summary.cuda_graph = CUDA_GRAPH_NONE;
    if (instance->config->engine.streams_tokens) {
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        batch->entries[i].samples = false;
    }
    if (ending < rows) {
        return;
    }
    for (uint32_t i = 0; i < rows; i++) { /* the last step: every row yields its answer */
        struct request *request = &instance->requests[instance->running[i]];
        batch_drop(batch, instance->running[i]);
        batch_add(batch, (struct batch_entry){.request = instance->running[i],
                                              .computed_before = request->computed_tokens,
                                              .accepted = tokens_scheduled(request) - 1,
                                              .samples = true});
    }
}

static void static_process_output(struct instance *instance, struct batch *batch)
{
    bool all_ended = instance->running_count > 0;
    instance->leaving.finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        if (entry->samples) {
            request->placeholders -= 1 + entry->accepted;
            request->known_tokens += 1 + entry->accepted;
        }
    }
    for (uint32_t i = 0; i < instance->running_count; i++) {
        const struct request *request = &instance->requests[instance->running[i]];
        all_ended = all_ended && instance_tokens_left(instance, request) == 0;
    }
    while (all_ended && instance->running_count > 0) {
        simple_engine_finish(instance, instance->running[0]);
    }
}

/* Nobody joins a batch. */
static uint64_t static_repeatable_steps(const struct instance *instance)
{
    (void)instance;
    return UINT64_MAX;
}

static const struct setting own_settings[] = {
    {ENGINE_BOOL("engine.streams_tokens", streams_tokens),
     .help = "whether tokens are sent as they come; otherwise all answers are sent when their "
             "batch ends"},
    {.name = NULL},
};

static const struct setting *const settings_tables[] = {
    engine_settings_of_all,
    own_settings,
    NULL,
};

const struct engine_preset engine_preset_static = {
    .name = "static",
    .summary = "static batching: one batch to its end",
    .tokens_needed = simple_engine_tokens_needed,
    .defaults = {.max_batch_tokens = 2048,
                 .max_batch_requests = 16,
                 .block_tokens = 1,
                 .reserve_full_prompt = true},
    .settings = settings_tables,
    .schedule = static_schedule,
    .process_output = static_process_output,
    .repeats.repeatable_steps = static_repeatable_steps,
};
