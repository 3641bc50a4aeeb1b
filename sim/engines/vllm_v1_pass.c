#include "sim/engines/vllm_v1_pass.h"

#include <assert.h>

#include "sim/base/smaller.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/policy_view.h"
#include "sim/serving/speculation.h"

/* A scheduling pass under way. */
struct scheduling_pass {
    struct instance *instance;
    struct batch *batch;
    uint32_t budget_tokens; /* left */
    uint32_t prompt_tokens; /* left, of the policy's chunks */
    uint32_t position;      /* among the ungrouped */
};

/* The token in flight is known to be the last one: nothing more to form (schedule(), the test of
 * num_output_placeholders). The request keeps slot and blocks. */
static bool is_ending(const struct instance *instance, const struct request *request)
{
    uint64_t reached = (uint64_t)request->computed_tokens + 2;
    return request->placeholders > 0 && reached >= (uint64_t)request->ask.prompt_tokens +
                                                       instance_output_limit(instance, request) +
                                                       request->placeholders;
}

/* More than its last token and drafts are to be computed. */
static bool is_prompt(const struct request *request)
{
    return request->computed_tokens + 1 < request->known_tokens;
}

/* Tokens the request would run if the budget were not in the way, drafts included. */
static uint32_t wanted_tokens(const struct instance *instance, const struct request *request)
{
    const struct engine_settings *settings = &instance->config->engine;
    uint32_t tokens =
        request->known_tokens + request->drafts + request->placeholders - request->computed_tokens;
    if (settings->long_prefill_threshold_tokens > 0) {
        tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
    }
    return tokens;
}

/* Beside the 'missing' ones, as far as they are free and the request could use them
 * (num_preallocate_tokens of vLLM 0.8). */
static uint32_t blocks_ahead(const struct instance *instance, uint32_t index, uint32_t missing)
{
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t ahead = kv_cache_blocks_for(cache, instance->config->preset->ahead_tokens);
    uint32_t most = kv_cache_blocks_for(cache, instance->config->engine.max_model_len);
    uint32_t held = cache->held_blocks[index] + missing;
    ahead = smaller(ahead, cache->free_blocks - missing);
    return smaller(ahead, held < most ? most - held : 0);
}

/* Blocks for 'tokens' more, none beyond max_model_len; false without side effect if they are not
 * free. */
static bool allocate(struct instance *instance, uint32_t index, uint32_t tokens,
                     uint32_t kept_blocks)
{
    const struct request *request = &instance->requests[index];
    struct kv_cache *cache = &instance->kv_cache;
    uint32_t reach =
        smaller(request->computed_tokens + tokens, instance->config->engine.max_model_len);
    if (kept_blocks == 0 && kv_cache_holds(cache, index, reach)) {
        return true;
    }
    uint32_t missing = kv_cache_missing_blocks(cache, index, reach);
    if ((uint64_t)missing + kept_blocks > cache->free_blocks) {
        return false;
    }
    if (missing > 0) {
        kv_cache_allocate(cache, index, missing + blocks_ahead(instance, index, missing));
    }
    return true;
}

/* Full blocks are known by what they hold as soon as a step is formed that fills them. */
void vllm_v1_note_content(struct instance *instance, uint32_t index, uint32_t tokens)
{
    const struct request *request = &instance->requests[index];
    if (instance->kv_cache.has_identity) {
        block_cache_note(&instance->kv_cache.blocks, index, &request->ask.content,
                         smaller(tokens, request->known_tokens));
    }
}

/* A victim that this scheduling pass has scheduled already gives its tokens back (priority policy).
 */
static void unschedule(struct scheduling_pass *pass, uint32_t victim)
{
    struct batch *batch = pass->batch;
    uint32_t tokens = batch_drop(batch, victim);
    if (tokens > 0) {
        pass->budget_tokens += tokens;
        pass->prompt_tokens += is_prompt(&pass->instance->requests[victim]) ? tokens : 0;
        pass->position--;
    }
}

/* Back to the front of the queue, to be computed anew. */
static void preempt(struct scheduling_pass *pass, uint32_t victim)
{
    struct instance *instance = pass->instance;
    struct request *request = &instance->requests[victim];
    assert(request->status == REQUEST_RUNNING && !request->is_member);
    instance_remove_running(instance, victim);
    unschedule(pass, victim);
    kv_cache_free_blocks(&instance->kv_cache, victim);
    request->recomputed_tokens += request->computed_tokens;
    request->computed_tokens = 0;
    request->drafts = 0;
    request->remote_tokens = 0;
    request->preemptions++;
    request_become(request, REQUEST_PREEMPTED);
    instance_policy_enqueue(instance, victim);
    batch_add_preempted(pass->batch, victim);
}

/* Preempts one running request; false when it is 'index' itself. */
static bool preempt_for(struct scheduling_pass *pass, uint32_t index)
{
    struct instance *instance = pass->instance;
    /* Policies see every request up to date. */
    assert(decode_group_count(&instance->decode_group) == 0);
    uint32_t victim = instance->running[instance_policy_victim(instance)];
    preempt(pass, victim);
    return victim != index;
}

/* Drafts that did not fit are dropped. */
static void schedule_request(struct scheduling_pass *pass, uint32_t index, uint32_t tokens)
{
    struct request *request = &pass->instance->requests[index];
    uint32_t reach = request->computed_tokens + tokens;
    uint32_t known = request->known_tokens + request->placeholders;
    pass->budget_tokens -= tokens;
    pass->prompt_tokens -= is_prompt(request) ? tokens : 0;
    vllm_v1_note_content(pass->instance, index, reach);
    batch_add(pass->batch, (struct batch_entry){
                               .request = index,
                               .tokens = tokens,
                               .drafts = request->drafts > 0 && reach > known ? reach - known : 0,
                               .computed_before = request->computed_tokens});
    request->drafts = 0;
}

/* What requests want in a step. */
struct wishes {
    uint64_t tokens;
    uint64_t prompt_tokens; /* of these */
    uint64_t blocks;        /* of those at hand when the budget of tokens goes to one alone */
    bool are_capped;        /* one wants more than max_model_len leaves it */
};

/* Adds those of an ungrouped request. Tokens that a prompt wants beyond the budget do not count as
 * blocks: prompts come after all members. */
static void add_wishes(struct wishes *wishes, const struct instance *instance, uint32_t index)
{
    const struct engine_settings *settings = &instance->config->engine;
    const struct request *request = &instance->requests[index];
    if (is_ending(instance, request)) {
        return;
    }
    uint32_t wanted = wanted_tokens(instance, request);
    uint32_t tokens = smaller(wanted, settings->max_batch_tokens);
    uint64_t reach = smaller(request->computed_tokens + tokens, settings->max_model_len);
    uint32_t missing = kv_cache_missing_blocks(&instance->kv_cache, index, reach);
    wishes->tokens += wanted;
    wishes->prompt_tokens += is_prompt(request) ? wanted : 0;
    wishes->blocks += missing > 0 ? missing + instance->decode_group.blocks_at_a_time - 1 : 0;
    wishes->are_capped = wishes->are_capped || reach >= settings->max_model_len;
}

/* Of all members and every ungrouped request, whoever goes first. */
static struct wishes sum_wishes(const struct instance *instance)
{
    const struct decode_group *decode_group = &instance->decode_group;
    struct wishes wishes = {.tokens = (uint64_t)decode_group_count(decode_group) *
                                      decode_group_member_tokens(decode_group),
                            .blocks = decode_group_blocks(decode_group)};
    for (uint32_t i = 0; i < instance->ungrouped_count; i++) {
        add_wishes(&wishes, instance, instance->ungrouped[i]);
    }
    return wishes;
}

/* Whether blocks run out when it is the victim's own turn. */
static bool lacks_blocks_itself(struct instance *instance, uint32_t victim)
{
    const struct kv_cache *cache = &instance->kv_cache;
    struct wishes wishes = {.blocks = 0};
    assert(instance->decode_group.blocks_at_a_time == 1);
    for (uint32_t i = 0; i < instance->running_count; i++) {
        uint32_t index = instance->running[i];
        if (instance->requests[index].is_member) {
            uint32_t computed = policy_view_computed_tokens(instance, index);
            wishes.blocks += computed % cache->block_tokens == 0;
        } else {
            add_wishes(&wishes, instance, index);
        }
        if (wishes.blocks > cache->free_blocks) {
            return index == victim;
        }
    }
    return false;
}

/* Where each request gets what it wants or nothing, it does not matter who finds no block: victims
 * are preempted until the others have enough, in the order of the policy. But for two of them it
 * does: one that is its own victim ends the pass, and one that had nothing to schedule makes the
 * pass skip another (schedule() counts its index back only for those that it had scheduled). */
static bool preempt_one(struct scheduling_pass *pass, const struct wishes *wishes)
{
    struct instance *instance = pass->instance;
    bool chooses = instance_policy_has_victims(instance);
    bool drafts = decode_group_member_tokens(&instance->decode_group) > 1;
    if (wishes->blocks <= instance->kv_cache.free_blocks || wishes->are_capped ||
        wishes->tokens > pass->budget_tokens || wishes->prompt_tokens > pass->prompt_tokens ||
        instance->decode_group.blocks_at_a_time > 1 || (chooses && drafts)) {
        return false;
    }
    uint32_t victim = instance->running[instance_policy_victim(instance)];
    if (chooses && (is_ending(instance, &instance->requests[victim]) ||
                    lacks_blocks_itself(instance, victim))) {
        return false;
    }
    if (instance->requests[victim].is_member) {
        decode_group_remove(instance, victim);
    }
    preempt(pass, victim);
    return true;
}

/* The members of the decode group, all at once; where their place in the order matters, each for
 * itself. */
static void schedule_decode_group(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    struct decode_group *decode_group = &instance->decode_group;
    while (decode_group_count(decode_group) > 0) {
        struct wishes wishes = sum_wishes(instance);
        if (preempt_one(pass, &wishes)) {
            continue;
        }
        uint64_t tokens =
            (uint64_t)instance->running_count * decode_group_member_tokens(decode_group);
        if (wishes.blocks > instance->kv_cache.free_blocks || tokens > pass->budget_tokens) {
            decode_group_dissolve(instance);
        }
        break;
    }
    decode_group_schedule(instance, pass->batch);
    pass->budget_tokens -= batch_summary_tokens(&pass->batch->summary);
}

/* Part A of schedule(): the running requests in order. */
static void schedule_running(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    while (pass->position < instance->ungrouped_count && pass->budget_tokens > 0) {
        uint32_t index = instance->ungrouped[pass->position];
        const struct request *request = &instance->requests[index];
        if (is_ending(instance, request)) {
            pass->position++;
            continue;
        }
        uint32_t tokens = smaller(wanted_tokens(instance, request), pass->budget_tokens);
        tokens = is_prompt(request) ? smaller(tokens, pass->prompt_tokens) : tokens;
        uint32_t room = instance->config->engine.max_model_len - 1 - request->computed_tokens;
        tokens = smaller(tokens, room);
        if (tokens == 0) {
            pass->position++;
            continue;
        }
        bool fits = allocate(instance, index, tokens, 0);
        while (!fits) {
            if (!preempt_for(pass, index)) {
                return;
            }
            fits = allocate(instance, index, tokens, 0);
        }
        schedule_request(pass, index, tokens);
        pass->position++;
    }
}

/* What the cache has of the request's known tokens; at least one is left to compute. */
static struct prefix_hit find_prefix(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    const struct kv_cache *cache = &instance->kv_cache;
    return cache->has_identity ? block_cache_find(&cache->blocks, &request->ask.content,
                                                  (request->known_tokens - 1) / cache->block_tokens)
                               : (struct prefix_hit){0, 0, 0};
}

/* Whether blocks for the first 'tokens' tokens are free, beyond those found. */
bool vllm_v1_has_room(const struct kv_cache *cache, uint32_t tokens, struct prefix_hit hit,
                      uint32_t watermark)
{
    uint32_t needed = kv_cache_blocks_for(cache, tokens);
    uint32_t missing = needed > hit.blocks ? needed - hit.blocks : 0;
    return (uint64_t)missing + hit.free + watermark <= cache->free_blocks;
}

/* Known tokens that need no computing here. */
static uint32_t found_computed(const struct instance *instance, uint32_t index,
                               struct prefix_hit hit)
{
    uint32_t cached = hit.blocks * instance->config->engine.block_tokens;
    uint32_t remote = instance->requests[index].remote_tokens;
    return remote > cached ? remote : cached;
}

/* Admits the request with so many tokens beyond those found, if blocks suffice. With
 * scheduler_reserve_full_isl those of all known tokens must be free now; it reserves nothing. */
static bool admit(struct instance *instance, uint32_t index, uint32_t tokens, struct prefix_hit hit,
                  uint32_t watermark)
{
    struct kv_cache *cache = &instance->kv_cache;
    struct request *request = &instance->requests[index];
    uint32_t most = instance->config->engine.max_model_len;
    uint32_t found_tokens = found_computed(instance, index, hit);
    if ((instance->config->engine.reserve_full_prompt &&
         !vllm_v1_has_room(cache, smaller(request->known_tokens, most), hit, watermark)) ||
        !vllm_v1_has_room(cache, smaller(found_tokens + tokens, most), hit, watermark)) {
        return false;
    }
    if (hit.blocks > 0) {
        kv_cache_share(cache, index, &request->ask.content, hit);
        /* What came over the link was counted where the prompt was computed. */
        request->cached_tokens += request_is_new(request) ? hit.blocks * cache->block_tokens : 0;
    }
    request->computed_tokens = found_tokens;
    return allocate(instance, index, tokens, 0);
}

/* Part B of schedule(): the waiting requests, up to the first that cannot be admitted. */
static void schedule_waiting(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    const struct engine_settings *settings = &instance->config->engine;
    while (instance->waiting.count > 0 && pass->budget_tokens > 0 && pass->prompt_tokens > 0 &&
           instance->running_count < settings->max_batch_requests) {
        uint32_t index = request_queue_at(&instance->waiting, 0);
        if (!instance_policy_admits(instance, index)) {
            return;
        }
        struct request *request = &instance->requests[index];
        struct prefix_hit hit = find_prefix(instance, index);
        uint32_t tokens = request->known_tokens - found_computed(instance, index, hit);
        if (settings->long_prefill_threshold_tokens > 0) {
            tokens = smaller(tokens, settings->long_prefill_threshold_tokens);
        }
        if (!settings->chunked_prefill && tokens > pass->budget_tokens) {
            return;
        }
        tokens = smaller(tokens, smaller(pass->budget_tokens, pass->prompt_tokens));
        uint32_t watermark = instance->running_count > 0 ? instance->watermark_blocks : 0;
        if (!admit(instance, index, tokens, hit, watermark)) {
            return;
        }
        request_queue_pop_front(&instance->waiting);
        instance_policy_start(instance, index);
        request_become(request, REQUEST_RUNNING);
        schedule_request(pass, index, tokens);
    }
}

/* _update_after_schedule: tokens count as computed once scheduled; a step that reaches the end of
 * the known tokens yields one more, which stands as a placeholder until its output is processed, as
 * drafts do. Without waiting for outputs each further step is formed with all drafts. */
static void advance(struct instance *instance, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_entry *entry = &batch->entries[i];
        struct request *request = &instance->requests[entry->request];
        request->computed_tokens += entry->tokens;
        entry->samples = request->computed_tokens >= request->known_tokens + request->placeholders;
        if (entry->samples) {
            entry->accepted = entry->drafts > 0 ? speculation_verify(request, entry->drafts) : 0;
            request->placeholders += 1 + entry->drafts;
            request->drafts = instance->config->engine.async_scheduling
                                  ? instance->config->engine.draft_tokens
                                  : 0;
        }
    }
}

/* Whether the first of the waiting finds a slot and blocks. */
static bool first_fits(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    uint32_t index = request_queue_at(&instance->waiting, 0);
    uint32_t known = smaller(instance->requests[index].known_tokens, settings->max_model_len);
    return instance->running_count < settings->max_batch_requests &&
           vllm_v1_has_room(&instance->kv_cache, known, find_prefix(instance, index),
                            instance->running_count > 0 ? instance->watermark_blocks : 0);
}

/* Those that the policy puts behind the first of the waiting make room for it. */
static void displace(struct scheduling_pass *pass)
{
    struct instance *instance = pass->instance;
    uint32_t displaced = 0;
    while (instance->waiting.count > 0 && !first_fits(instance) &&
           instance_policy_displaced(instance, &displaced)) {
        if (instance->requests[displaced].is_member) {
            decode_group_remove(instance, displaced);
        }
        preempt(pass, displaced);
    }
}

void vllm_v1_pass_schedule(struct instance *instance, struct batch *batch)
{
    struct scheduling_pass pass = {.instance = instance,
                                   .batch = batch,
                                   .budget_tokens = instance->config->engine.max_batch_tokens};
    batch_reset(batch);
    if (instance_policy_begin_pass(instance)) {
        displace(&pass);
    }
    pass.prompt_tokens = instance_policy_chunk_tokens(instance);
    uint32_t displaced = batch->preempted_count;
    schedule_decode_group(&pass);
    schedule_running(&pass);
    if (batch->preempted_count == displaced) {
        schedule_waiting(&pass);
    }
    advance(instance, batch);
    batch_summarize(batch);
}
