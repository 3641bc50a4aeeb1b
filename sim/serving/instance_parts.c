#include "sim/serving/instance_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/scheduling/scheduling_policy.h"

static void plan_init(struct draft_plan *plan, const struct kv_cache *cache,
                      const struct engine_settings *settings, uint32_t ahead_tokens,
                      uint32_t drafts)
{
    plan->drafts = drafts;
    plan->max_model_len = settings->max_model_len;
    plan->block_tokens = cache->block_tokens;
    plan->blocks_ahead = kv_cache_blocks_for(cache, ahead_tokens);
    plan->max_blocks = kv_cache_blocks_for(cache, settings->max_model_len);
}

void decode_group_init(struct decode_group *decode_group, const struct kv_cache *cache,
                       const struct engine_settings *settings, uint32_t ahead_tokens,
                       uint32_t drafts)
{
    assert(cache->block_tokens > 0);
    memset(decode_group, 0, sizeof *decode_group);
    decode_group->blocks_at_a_time = 1 + kv_cache_blocks_for(cache, ahead_tokens);
    decode_group->period_tokens = cache->block_tokens * decode_group->blocks_at_a_time;
    decode_group->crossings =
        memory_zeroed(decode_group->period_tokens, sizeof decode_group->crossings[0]);
    plan_init(&decode_group->plan, cache, settings, ahead_tokens, drafts);
}

void decode_group_clear(struct decode_group *decode_group)
{
    member_heap_clear(&decode_group->leaving);
    member_heap_clear(&decode_group->thinking);
    falling_gaps_clear(&decode_group->gaps);
    free(decode_group->crossings);
    memset(decode_group, 0, sizeof *decode_group);
}

void step_pricing_clear(struct step_pricing *pricing)
{
    attention_memo_clear(&pricing->memo);
    step_clock_clear(&pricing->clock);
}

static void init_state(struct policy_seat *seat, const struct scheduling_policy *policy,
                       const double *values)
{
    double defaults[POLICY_MAX_PARAMETERS] = {0};
    const struct policy_parameter *parameter = policy->parameters;
    for (size_t i = 0; parameter != NULL && parameter[i].key != NULL; i++) {
        assert(i < POLICY_MAX_PARAMETERS);
        defaults[i] = parameter[i].value;
    }
    seat->state = memory_zeroed(policy->state_bytes + 1, 1);
    if (policy->init != NULL) {
        const char *fault = policy->init(seat->state, values != NULL ? values : defaults);
        assert(fault == NULL); /* checked when the scenario was read */
        (void)fault;
    }
}

void policy_seat_init(struct policy_seat *seat, const struct scheduling_policy *policy,
                      const double *values, uint32_t max_batch_tokens)
{
    memset(seat, 0, sizeof *seat);
    init_state(seat, policy, values);
    if (policy->milestone_tokens != NULL) {
        seat->milestone_tokens = policy->milestone_tokens(seat->state);
    }
    seat->listens = policy->admits != NULL || policy->displaces != NULL ||
                    policy->chunk_tokens != NULL || policy->on_event != NULL;
    seat->chunk_tokens = max_batch_tokens;
    seat->has_news = seat->listens;
}

void policy_seat_clear(struct policy_seat *seat, const struct scheduling_policy *policy)
{
    if (policy->clear != NULL) {
        policy->clear(seat->state);
    }
    free(seat->state);
    free(seat->news);
    free(seat->joined);
    length_history_clear(&seat->history);
    memset(seat, 0, sizeof *seat);
}
