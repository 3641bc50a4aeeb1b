#include "sim/serving/policy_view.h"

#include <assert.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/serving/instance.h"

/* Members of the decode group have got tokens that are not written into their requests. */
static void note_members(struct instance *instance)
{
    struct policy_seat *seat = &instance->policy;
    const struct member_heap *members = &instance->decode_group.leaving;
    if (!seat->joined_is_current) {
        for (uint32_t i = 0; i < members->count; i++) {
            seat->joined =
                memory_grow(seat->joined, &seat->joined_capacity,
                            (size_t)members->members[i].request + 1, sizeof seat->joined[0]);
            seat->joined[members->members[i].request] = members->members[i].joined;
        }
        seat->joined_is_current = true;
    }
}

/* Tokens that it has got as a member. */
static uint64_t tokens_as_member(struct instance *instance, uint32_t index, uint64_t steps)
{
    if (!instance->requests[index].is_member) {
        return 0;
    }
    note_members(instance);
    return steps - instance->policy.joined[index];
}

static uint32_t outputs_of(struct instance *instance, uint32_t index)
{
    return request_outputs(&instance->requests[index]) +
           (uint32_t)tokens_as_member(instance, index, instance->decode_group.taken);
}

uint32_t policy_view_computed_tokens(struct instance *instance, uint32_t index)
{
    return instance->requests[index].computed_tokens +
           (uint32_t)tokens_as_member(instance, index, instance->decode_group.scheduled);
}

static double predict(const struct instance *instance, const struct request *request,
                      uint32_t outputs)
{
    const struct length_facts facts = {.key =
                                           random_bits_at(request->truth.drafts.key, request->id),
                                       .dataset = request->ask.dataset,
                                       .max_output_tokens = request->ask.max_output_tokens,
                                       .so_far_tokens = outputs,
                                       .true_tokens = request->truth.output_tokens};
    return length_predictor_total(&instance->config->predictor, &instance->policy.history, &facts);
}

bool policy_view_predicts(const struct instance *instance)
{
    return (instance->config->policy->uses & POLICY_USES_PREDICTION) != 0 ||
           instance->config->victims == VICTIM_LONGEST;
}

struct policy_request policy_view_request(struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    const struct request_ask *ask = &request->ask;
    const struct request_order *orders = instance->waiting.orders;
    uint32_t outputs = outputs_of(instance, index);
    /* Neither changes within a scheduling pass, whoever is scheduled first. */
    bool is_prompt = request->computed_tokens + 1 < request->known_tokens;
    uint32_t kept_tokens = is_prompt ? request->computed_tokens : ask->prompt_tokens + outputs;
    return (struct policy_request){
        .id = request->id,
        .user = ask->user,
        .dataset = ask->dataset,
        .priority = ask->priority,
        .question = ask->question,
        .samples = ask->samples,
        .sent_ps = ask->sent_ps,
        .deadline_ps = ask->deadline_ps > 0 ? ask->sent_ps + ask->deadline_ps : INT64_MAX,
        .prompt_tokens = ask->prompt_tokens,
        .max_output_tokens = ask->max_output_tokens,
        .output_tokens = outputs,
        .held_blocks = kv_cache_blocks_for(&instance->kv_cache, kept_tokens),
        .preemptions = request->preemptions,
        .predicted_tokens = policy_view_predicts(instance) ? predict(instance, request, outputs)
                                                           : ask->max_output_tokens,
        .key = orders != NULL ? orders[index].key : 0,
    };
}

static struct policy_request running_view(const struct policy_view *view, uint32_t position)
{
    struct instance *instance = (struct instance *)view->host;
    assert(position < instance->running_count);
    return policy_view_request(instance, instance->running[position]);
}

static int64_t step_ps(const struct policy_view *view, uint32_t prompt_tokens, uint32_t decodes,
                       uint64_t context_tokens)
{
    const struct instance *instance = view->host;
    const struct step_cost *cost = instance->config->cost;
    const struct batch_summary summary = {
        .decode_requests = decodes,
        .decode_context_tokens = context_tokens,
        .decode_context_squares = decodes > 0 ? context_tokens / decodes * context_tokens : 0,
        .prefill_requests = prompt_tokens > 0,
        .prefill_tokens = prompt_tokens,
        .prefill_attention_pairs_x2 = (uint64_t)prompt_tokens * prompt_tokens,
        .padded_tokens = prompt_tokens + decodes,
    };
    struct attention_price attention = step_cost_attention(cost, &summary, NULL);
    return step_cost_price(cost, &summary, attention, (struct step_noise){1, 1}).gpu_ps;
}

struct policy_view policy_view_of(struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    instance->policy.joined_is_current = false;
    return (struct policy_view){
        .now_ps = instance->policy.now_ps,
        .waiting_count = (uint32_t)(instance->waiting.count + instance->swapped.count),
        .running_count = instance->running_count,
        .max_running = settings->max_batch_requests,
        .max_batch_tokens = settings->max_batch_tokens,
        .free_blocks = instance->kv_cache.free_blocks,
        .total_blocks = instance->kv_cache.total_blocks,
        .block_tokens = instance->kv_cache.block_tokens,
        .running = running_view,
        .step_ps = step_ps,
        .host = instance,
    };
}
