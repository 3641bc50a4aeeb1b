#include "sim/serving/draft_plan.h"

#include <assert.h>
#include <string.h>

#include "sim/serving/instance.h"
#include "sim/serving/speculation.h"

void draft_plan_init(struct draft_plan *plan, const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    const struct kv_cache *cache = &instance->kv_cache;
    memset(plan, 0, sizeof *plan);
    plan->drafts = instance_steps_limit(instance) == 1 ? settings->draft_tokens : 0;
    plan->max_model_len = settings->max_model_len;
    plan->block_tokens = cache->block_tokens;
    plan->blocks_ahead = kv_cache_blocks_for(cache, instance->config->preset->ahead_tokens);
    plan->max_blocks = kv_cache_blocks_for(cache, settings->max_model_len);
}

void draft_plan_reset(struct draft_plan *plan, uint64_t end)
{
    memset(plan->steps, 0, sizeof plan->steps);
    plan->end = end;
}

struct draft_progress draft_plan_start(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    assert(request->verifications > 0);
    return (struct draft_progress){.known_tokens = request->known_tokens,
                                   .held_blocks = instance->kv_cache.held_blocks[index],
                                   .verification = request->verifications - 1};
}

/* Blocks that a member takes to reach 'tokens' tokens. */
static uint32_t blocks_to_reach(const struct draft_plan *plan, uint32_t held_blocks,
                                uint64_t tokens)
{
    uint64_t held_tokens = (uint64_t)held_blocks * plan->block_tokens;
    if (tokens <= held_tokens) {
        return 0;
    }
    uint64_t missing = (tokens - held_tokens + plan->block_tokens - 1) / plan->block_tokens;
    return (uint32_t)missing + plan->blocks_ahead;
}

bool draft_plan_advance(const struct instance *instance, uint32_t index,
                        struct draft_progress *progress, struct draft_step *ret_step)
{
    const struct draft_plan *plan = &instance->decode_group.plan;
    const struct request *request = &instance->requests[index];
    uint32_t limit = instance_output_limit(instance, request);
    uint32_t outputs = request->truth.output_tokens < limit ? request->truth.output_tokens : limit;
    uint32_t accepted =
        speculation_accepted(&request->truth.drafts, progress->verification, plan->drafts);
    uint64_t known = (uint64_t)progress->known_tokens + 1 + accepted;
    uint32_t blocks = blocks_to_reach(plan, progress->held_blocks, known + plan->drafts);
    *ret_step = (struct draft_step){.accepted = accepted};
    if (known >= (uint64_t)request->ask.prompt_tokens + outputs ||
        known + 1 + plan->drafts > plan->max_model_len ||
        (blocks > 0 && progress->held_blocks + blocks > plan->max_blocks)) {
        return false;
    }
    uint64_t context = progress->known_tokens - 1;
    ret_step->tokens = 1 + accepted;
    ret_step->squares = (2 * context + ret_step->tokens) * ret_step->tokens;
    ret_step->blocks = blocks;
    progress->known_tokens = (uint32_t)known;
    progress->held_blocks += blocks;
    progress->verification++;
    return true;
}
