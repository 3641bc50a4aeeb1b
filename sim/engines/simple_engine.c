#include "sim/engines/simple_engine.h"

uint64_t simple_engine_tokens_needed(const struct instance *instance, const struct request *request)
{
    uint64_t most = (uint64_t)request->ask.prompt_tokens + request->ask.max_output_tokens;
    return most < instance->config->engine.max_model_len ? most
                                                         : instance->config->engine.max_model_len;
}

void simple_engine_add(struct instance *instance, struct batch *batch, uint32_t index)
{
    struct request *request = &instance->requests[index];
    batch_add(batch, (struct batch_entry){.request = index,
                                          .tokens = request->known_tokens + request->placeholders -
                                                    request->computed_tokens,
                                          .computed_before = request->computed_tokens,
                                          .samples = true});
    request->computed_tokens = request->known_tokens + request->placeholders;
    request->placeholders++;
}

void simple_engine_finish(struct instance *instance, uint32_t index)
{
    instance_remove_running(instance, index);
    kv_cache_free_blocks(&instance->kv_cache, index);
    request_become(&instance->requests[index], REQUEST_FINISHED);
    instance->leaving.finished[instance->leaving.finished_count++] = index;
}
