#include "sim/serving/instance_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

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
