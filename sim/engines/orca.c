#include "sim/engines/orca.h"

#include "sim/engines/simple_engine.h"

/* Iteration-level scheduling: each step has one token of every request that runs and whole prompts
 * of those that start; a start reserves all that the request may ever need. */
static void orca_schedule(struct instance *instance, struct batch *batch)
{
    struct kv_cache *cache = &instance->kv_cache;
    batch_reset(batch);
    for (uint32_t i = 0; i < instance->running_count; i++) {
        simple_engine_add(instance, batch, instance->running[i]);
    }
    while (instance->waiting.count > 0 &&
           instance->running_count < instance->config->engine.max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        struct request *request = &instance->requests[index];
        uint32_t blocks =
            kv_cache_blocks_for(cache, simple_engine_tokens_needed(instance, request));
        if (blocks > cache->free_blocks) {
            break;
        }
        request_queue_pop_front(&instance->waiting);
        kv_cache_allocate(cache, index, blocks);
        instance_add_running(instance, index);
        request_become(request, REQUEST_RUNNING);
        simple_engine_add(instance, batch, index);
    }
    batch_summarize(batch);
    batch->summary.padded_tokens = batch_summary_tokens(&batch->summary);
    batch->summary.cuda_graph = CUDA_GRAPH_NONE;
}

/* Ends only free room, and no step is a stretch in which somebody ends. */
static uint64_t orca_repeatable_steps(const struct instance *instance)
{
    if (instance->waiting.count == 0 ||
        instance->running_count >= instance->config->engine.max_batch_requests) {
        return UINT64_MAX;
    }
    const struct request *first = &instance->requests[request_queue_at(&instance->waiting, 0)];
    uint32_t blocks =
        kv_cache_blocks_for(&instance->kv_cache, simple_engine_tokens_needed(instance, first));
    return blocks > instance->kv_cache.free_blocks ? UINT64_MAX : 0;
}

static void orca_process_output(struct instance *instance, struct batch *batch)
{
    instance->leaving.finished_count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t index = batch->entries[i].request;
        struct request *request = &instance->requests[index];
        request->placeholders--;
        request->known_tokens++;
        if (instance_tokens_left(instance, request) == 0) {
            simple_engine_finish(instance, index);
        }
    }
}

static const struct setting *const settings_tables[] = {engine_settings_of_all, NULL};

const struct engine_preset engine_preset_orca = {
    .name = "orca",
    .summary = "Orca: iteration-level, KV reserved to the limit",
    .tokens_needed = simple_engine_tokens_needed,
    .defaults = {.max_batch_tokens = 2048,
                 .max_batch_requests = 128,
                 .block_tokens = 1,
                 .reserve_full_prompt = true},
    .settings = settings_tables,
    .schedule = orca_schedule,
    .process_output = orca_process_output,
    .repeats.repeatable_steps = orca_repeatable_steps,
};
