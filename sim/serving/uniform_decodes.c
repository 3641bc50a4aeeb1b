#include "sim/serving/uniform_decodes.h"

#include <assert.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/instance_policy.h"

/* A decode, and the client has all its earlier tokens, or the engine keeps them to the end. */
static bool is_plain(const struct instance *instance, const struct batch_entry *entry)
{
    const struct request *request = &instance->requests[entry->request];
    bool keeps_tokens =
        request->placeholders > 0 && request->preemptions == 0 &&
        request->computed_tokens + 1 == request->known_tokens + request->placeholders;
    return entry->tokens == 1 && entry->drafts == 0 && entry->cached == 0 && entry->accepted == 0 &&
           !entry->is_prompt && request->status == REQUEST_RUNNING &&
           (entry->samples ? request_outputs(request) > 0 &&
                                 request->placeholders <= instance->loop.steps_in_flight
                           : keeps_tokens);
}

/* Nothing but decodes in it. */
static bool is_uniform(const struct batch *batch)
{
    const struct batch_summary *summary = &batch->summary;
    return summary->decode_requests == batch->count && summary->prefill_requests == 0 &&
           summary->draft_tokens == 0 && summary->swapped_blocks == 0 && batch->late_slots == 0;
}

bool uniform_decodes_are_all(struct instance *instance)
{
    const struct batch *last = instance_newest_step(instance);
    const struct batch *first = instance_step(instance, 0);
    if (instance->config->preset->repeats.repeatable_steps == NULL ||
        instance->config->engine.draft_tokens > 0 || last->count == 0 ||
        first->count != last->count || !is_uniform(first) || !is_uniform(last)) {
        return false;
    }
    for (uint32_t i = 0; i < last->count; i++) {
        const struct batch_entry *entry = &last->entries[i];
        const struct batch_entry *before = &first->entries[i];
        if (!is_plain(instance, entry) || entry->samples != last->entries[0].samples ||
            before->request != entry->request || before->samples != entry->samples) {
            return false;
        }
    }
    return true;
}

uint64_t uniform_decodes_steps(struct instance *instance, uint64_t most,
                               struct periodic_growth *ret_growth)
{
    const struct batch *batch = instance_newest_step(instance);
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t at_a_time = instance->decode_group.blocks_at_a_time;
    uint32_t period = instance->decode_group.period_tokens;
    uint64_t steps = instance->config->preset->repeats.repeatable_steps(instance);
    steps = steps < most ? steps : most;
    struct periodic_growth growth = {.blocks = instance->uniform.crossings, .period = period};
    memset(instance->uniform.crossings, 0, period * sizeof instance->uniform.crossings[0]);
    for (uint32_t i = 0; i < batch->count && steps > 0; i++) {
        uint32_t index = batch->entries[i].request;
        const struct request *request = &instance->requests[index];
        bool samples = batch->entries[i].samples;
        uint64_t left = instance_tokens_left(instance, request) -
                        (samples ? 0 : (uint64_t)request->placeholders);
        uint64_t held_tokens = (uint64_t)cache->held_blocks[index] * cache->block_tokens;
        uint64_t room = held_tokens - request->computed_tokens;
        left = left > 0 ? left - 1 : 0; /* a request that ends does so in a step of its own */
        steps = left < steps ? left : steps;
        steps = instance_policy_steps(instance, request, steps);
        if (room < period) {
            instance->uniform.crossings[room] += at_a_time;
            growth.sum += at_a_time;
        } else {
            steps = room < steps ? room : steps;
        }
        growth.members += samples;
    }
    *ret_growth = growth;
    uint32_t spare = instance->config->preset->spare_blocks;
    if (cache->free_blocks < spare) {
        return 0;
    }
    uint32_t free_blocks = cache->free_blocks - spare;
    return periodic_growth_of_steps(&growth, steps) <= free_blocks
               ? steps
               : periodic_growth_steps_within(&growth, free_blocks);
}

/* The running, by the step of a period in which something happens to them; they are added from the
 * last to the first. */
static void step_list_clear(struct step_list *list, uint32_t period)
{
    memset(list->first, 0xff, period * sizeof list->first[0]);
}

static void step_list_add(struct step_list *list, uint32_t position, uint32_t step)
{
    assert(position != STEP_LIST_END);
    list->next[position] = list->first[step];
    list->first[step] = position;
}

/* Which blocks are handed out, and what becomes known of them, in the order of steps, and of the
 * running in each: a request needs a block in one step of so many as a block has tokens, and fills
 * one in another. */
void uniform_decodes_repeat_blocks(struct instance *instance, uint64_t steps)
{
    struct kv_cache *cache = &instance->kv_cache;
    if (!cache->has_identity) {
        return;
    }
    bool counts_calls = instance->config->preset->counts_calls;
    uint32_t block_tokens = cache->block_tokens;
    uint32_t at_a_time = instance->decode_group.blocks_at_a_time;
    uint32_t period = instance->decode_group.period_tokens;
    struct step_list *taking = &instance->uniform.taking;
    struct step_list *filling = &instance->uniform.filling;
    assert(instance->ungrouped_count == instance->running_count);
    step_list_clear(taking, period);
    step_list_clear(filling, block_tokens);
    for (uint32_t i = instance->running_count; i-- > 0;) {
        uint32_t index = instance->running[i];
        const struct request *request = &instance->requests[index];
        uint32_t held_tokens = cache->held_blocks[index] * block_tokens;
        step_list_add(taking, i, held_tokens - request->computed_tokens);
        step_list_add(filling, i, block_tokens - 1 - request->known_tokens % block_tokens);
    }
    for (uint64_t step = 0; step < steps; step++) {
        uint32_t place = (uint32_t)(step % period);
        cache->blocks.call += counts_calls;
        for (uint32_t i = taking->first[place]; i != STEP_LIST_END; i = taking->next[i]) {
            kv_cache_allocate(cache, instance->running[i], at_a_time);
        }
        place = (uint32_t)(step % block_tokens);
        for (uint32_t i = filling->first[place]; i != STEP_LIST_END; i = filling->next[i]) {
            uint32_t index = instance->running[i];
            const struct request *request = &instance->requests[index];
            block_cache_note(&cache->blocks, index, &request->ask.content,
                             request->known_tokens + (uint32_t)step + 1);
        }
    }
}

static void repeat_request(struct instance *instance, const struct batch_entry *entry,
                           const struct step_times *times, uint64_t steps, int64_t delay_ps,
                           struct histogram *itl)
{
    struct kv_cache *cache = &instance->kv_cache;
    struct request *request = &instance->requests[entry->request];
    request->computed_tokens += (uint32_t)steps;
    if (!cache->has_identity) {
        kv_cache_commit(cache, entry->request, request->computed_tokens, 1);
    }
    if (!entry->samples) {
        request->placeholders += (uint32_t)steps;
        return;
    }
    uint32_t outputs = request_outputs(request);
    int64_t first_gap_ps = times->first_ps + delay_ps - request->clock.last_token_ps;
    int64_t largest_ps = ps_max(first_gap_ps, step_times_largest_gap(times, steps));
    histogram_add(itl, first_gap_ps, 1);
    if (request->truth.reasoning_tokens >= outputs &&
        request->truth.reasoning_tokens - outputs < steps) {
        request->clock.first_visible_ps =
            step_times_at(times, request->truth.reasoning_tokens - outputs) + delay_ps;
    }
    request->clock.max_itl_ps = ps_max(request->clock.max_itl_ps, largest_ps);
    request->clock.last_token_ps = step_times_at(times, steps - 1) + delay_ps;
    request->known_tokens += (uint32_t)steps;
}

void uniform_decodes_repeat(struct instance *instance, const struct step_times *times,
                            uint64_t steps, const struct periodic_growth *growth, int64_t delay_ps,
                            struct histogram *itl)
{
    const struct batch *batch = instance_newest_step(instance);
    assert(steps > 0 && decode_group_count(&instance->decode_group) == 0);
    if (!instance->kv_cache.has_identity) {
        kv_cache_take(&instance->kv_cache, (uint32_t)periodic_growth_of_steps(growth, steps));
    }
    if (instance->config->preset->repeats.repeat != NULL) {
        instance->config->preset->repeats.repeat(instance, steps);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        repeat_request(instance, &batch->entries[i], times, steps, delay_ps, itl);
    }
    for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
        struct batch *step = instance_step(instance, k);
        step->preempted_count = 0;
        for (uint32_t i = 0; i < step->count; i++) {
            step->entries[i].computed_before += (uint32_t)steps;
        }
    }
}
