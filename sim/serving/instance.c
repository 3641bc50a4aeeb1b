#include "sim/serving/instance.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

static void step_list_init(struct step_list *list, uint32_t steps, uint32_t requests)
{
    list->first = memory_zeroed(steps, sizeof list->first[0]);
    list->next = memory_zeroed(requests, sizeof list->next[0]);
}

static void step_list_free(struct step_list *list)
{
    free(list->first);
    free(list->next);
}

void instance_init(struct instance *instance, const struct instance_config *config,
                   struct request *requests, uint32_t request_count)
{
    const struct engine_preset *preset = config->preset;
    const struct engine_settings *settings = &config->engine;
    assert(settings->num_blocks > preset->reserved_blocks && settings->max_batch_tokens > 0);
    memset(instance, 0, sizeof *instance);
    instance->config = config;
    instance->requests = requests;
    instance->pricing.clock.new_sizes_wait = settings->new_sizes_wait;
    if (config->known_sizes != NULL) {
        launched_sizes_add_all(&instance->pricing.clock.launched_sizes, config->known_sizes);
    }
    instance->watermark_blocks = (uint32_t)(settings->watermark_ratio * settings->num_blocks);
    kv_cache_init(&instance->kv_cache, instance_config_blocks(config), settings->block_tokens,
                  request_count);
    if (settings->prefix_caching && preset->create_state == NULL) {
        kv_cache_identify_blocks(&instance->kv_cache);
        instance->kv_cache.blocks.frees_to_tail = preset->frees_to_tail;
    }
    request_queue_init(&instance->waiting);
    request_queue_init(&instance->swapped);
    policy_seat_init(&instance->policy, config->policy, config->policy_values,
                     settings->max_batch_tokens);
    if (config->policy->key != NULL) {
        request_queue_order(&instance->waiting, request_count);
    }
    instance->running = memory_zeroed(settings->max_batch_requests, sizeof instance->running[0]);
    instance->ungrouped =
        memory_zeroed(settings->max_batch_requests, sizeof instance->ungrouped[0]);
    decode_group_init(&instance->decode_group, &instance->kv_cache, settings, preset->ahead_tokens,
                      instance_steps_limit(instance) == 1 ? settings->draft_tokens : 0);
    uint32_t period = instance->decode_group.period_tokens;
    instance->uniform.crossings = memory_zeroed(period, sizeof instance->uniform.crossings[0]);
    if (instance->kv_cache.has_identity) {
        step_list_init(&instance->uniform.taking, period, settings->max_batch_requests);
        step_list_init(&instance->uniform.filling, period, settings->max_batch_requests);
    }
    instance->leaving.finished =
        memory_zeroed(settings->max_batch_requests, sizeof instance->leaving.finished[0]);
    if (preset->create_state != NULL) {
        preset->create_state(instance);
    }
    for (uint32_t i = 0; i < MAX_STEPS_IN_FLIGHT; i++) {
        batch_init(&instance->loop.steps[i]);
    }
}

/* The loop may plan steps ahead, or makes each. */
static void allow_repetition(struct instance *instance, bool may_repeat)
{
    const struct instance_config *config = instance->config;
    instance->loop.may_repeat = may_repeat;
    instance->decode_group.is_open =
        may_repeat && config->preset->repeats.steady_steps != NULL &&
        !config->engine.prefix_caching &&
        (config->engine.draft_tokens == 0 || !instance->policy.listens);
}

void instance_join_run(struct instance *instance, struct step_record *record, uint32_t number,
                       bool may_repeat)
{
    const struct instance_config *config = instance->config;
    instance->account.record = record;
    instance->account.number = number;
    allow_repetition(instance, may_repeat);
    /* Even one token a step fills the KV of all requests. */
    instance->account.patience_steps =
        1000 + 4 * (uint64_t)config->engine.max_model_len *
                   (1 + config->engine.max_batch_requests / config->engine.max_batch_tokens);
    timeline_set_track(&record->timeline, number, instance->kv_cache.total_blocks,
                       config->engine.max_batch_requests);
}

void instance_restart(struct instance *instance)
{
    struct instance before = *instance;
    uint32_t request_count = instance->kv_cache.request_count;
    instance->policy.history = (struct length_history){.count = 0}; /* it is kept */
    instance_clear(instance);
    instance_init(instance, before.config, before.requests, request_count);
    instance->prefills_only = before.prefills_only;
    instance->account = before.account;
    instance->account.steps_since_token = 0;
    instance->pricing.noise = before.pricing.noise;
    instance->policy.history = before.policy.history;
    allow_repetition(instance, before.loop.may_repeat);
}

uint32_t instance_cached_tokens(const struct instance *instance, const struct request *request)
{
    const struct kv_cache *cache = &instance->kv_cache;
    if (!instance->config->engine.prefix_caching) {
        return 0;
    }
    if (instance->config->preset->cached_tokens != NULL) {
        return instance->config->preset->cached_tokens(instance, request);
    }
    assert(cache->has_identity);
    uint32_t most = (request->known_tokens - 1) / cache->block_tokens;
    return block_cache_find(&cache->blocks, &request->ask.content, most).blocks *
           cache->block_tokens;
}

struct timeline_usage instance_usage(const struct instance *instance)
{
    return (struct timeline_usage){.used_blocks = instance->kv_cache.total_blocks -
                                                  instance->kv_cache.free_blocks,
                                   .output_tokens = instance->account.output_tokens};
}

void instance_set_requests(struct instance *instance, struct request *requests,
                           uint32_t request_count)
{
    instance->requests = requests;
    kv_cache_grow(&instance->kv_cache, request_count);
    if (instance->waiting.orders != NULL) {
        request_queue_order(&instance->waiting, request_count);
    }
}

void instance_clear(struct instance *instance)
{
    if (instance->config->preset->destroy_state != NULL) {
        instance->config->preset->destroy_state(instance);
    }
    kv_cache_clear(&instance->kv_cache);
    policy_seat_clear(&instance->policy, instance->config->policy);
    request_queue_clear(&instance->waiting);
    request_queue_clear(&instance->swapped);
    free(instance->leaving.refused);
    free(instance->running);
    free(instance->ungrouped);
    decode_group_clear(&instance->decode_group);
    step_pricing_clear(&instance->pricing);
    free(instance->uniform.crossings);
    step_list_free(&instance->uniform.taking);
    step_list_free(&instance->uniform.filling);
    free(instance->leaving.finished);
    for (uint32_t i = 0; i < MAX_STEPS_IN_FLIGHT; i++) {
        batch_clear(&instance->loop.steps[i]);
    }
    memset(instance, 0, sizeof *instance);
}

void instance_add_running(struct instance *instance, uint32_t request)
{
    assert(instance->running_count < instance->config->engine.max_batch_requests);
    instance->running[instance->running_count++] = request;
    instance->ungrouped[instance->ungrouped_count++] = request;
}

static void remove_from(uint32_t *list, uint32_t *count, uint32_t request)
{
    uint32_t position = 0;
    while (list[position] != request) {
        position++;
        assert(position < *count);
    }
    memmove(&list[position], &list[position + 1], (*count - position - 1) * sizeof list[0]);
    --*count;
}

void instance_remove_running(struct instance *instance, uint32_t request)
{
    remove_from(instance->running, &instance->running_count, request);
    remove_from(instance->ungrouped, &instance->ungrouped_count, request);
}

void instance_add_refused(struct instance *instance, uint32_t request)
{
    instance->leaving.refused = memory_grow(
        instance->leaving.refused, &instance->leaving.refused_capacity,
        (size_t)instance->leaving.refused_count + 1, sizeof instance->leaving.refused[0]);
    instance->leaving.refused[instance->leaving.refused_count++] = request;
    request_become(&instance->requests[request], REQUEST_REJECTED);
}

const char *instance_refusal(const struct instance *instance, const struct request *request)
{
    const struct kv_cache *cache = &instance->kv_cache;
    if (request->ask.prompt_tokens >= instance->config->engine.max_model_len) {
        return "the prompt reaches max_model_len";
    }
    uint32_t in_system = instance->running_count + (uint32_t)instance->waiting.count;
    if (instance->config->engine.max_concurrent_requests > 0 &&
        in_system >= instance->config->engine.max_concurrent_requests) {
        return "too many requests at once";
    }
    uint64_t longest = (uint64_t)request->ask.prompt_tokens + request->truth.output_tokens;
    if (longest > instance->config->engine.max_model_len) {
        longest = instance->config->engine.max_model_len;
    }
    if (instance->config->preset->tokens_needed != NULL) {
        longest = instance->config->preset->tokens_needed(instance, request);
    }
    if (kv_cache_blocks_for(cache, longest) > cache->total_blocks) {
        return "prompt and output need more KV blocks than there are";
    }
    return NULL;
}

uint32_t instance_tokens_left(const struct instance *instance, const struct request *request)
{
    uint32_t limit = instance_output_limit(instance, request);
    uint32_t most = request->truth.output_tokens < limit ? request->truth.output_tokens : limit;
    uint32_t room = instance->config->engine.max_model_len - request->ask.prompt_tokens;
    most = most < room ? most : room;
    uint32_t outputs = request_outputs(request);
    return outputs < most ? most - outputs : 0;
}

bool instance_has_work(const struct instance *instance)
{
    return instance->running_count > 0 || instance->waiting.count > 0 ||
           instance->swapped.count > 0;
}
