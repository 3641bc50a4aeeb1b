#include "sim/serving/decode_group.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/serving/draft_plan.h"
#include "sim/serving/instance.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/speculation.h"

/* Where the step stands for which a request will need more blocks than it holds. */
static uint32_t *crossing_of(struct instance *instance, uint32_t index)
{
    struct decode_group *decode_group = &instance->decode_group;
    const struct kv_cache *cache = &instance->kv_cache;
    uint64_t held_tokens = (uint64_t)cache->held_blocks[index] * cache->block_tokens;
    uint64_t left = held_tokens - instance->requests[index].computed_tokens;
    return &decode_group->crossings[(decode_group->scheduled + left) % decode_group->period_tokens];
}

static void write_back_tokens(struct instance *instance, const struct decode_group_member *member)
{
    const struct decode_group *decode_group = &instance->decode_group;
    struct request *request = &instance->requests[member->request];
    uint64_t in_turn = decode_group->taken - decode_group->scheduled;
    request->known_tokens += (uint32_t)(decode_group->taken - member->joined);
    request->computed_tokens += (uint32_t)(decode_group->scheduled - member->joined);
    request->placeholders -= (uint32_t)in_turn;
    kv_cache_commit(&instance->kv_cache, member->request, request->computed_tokens,
                    decode_group->blocks_at_a_time);
}

static void write_back(struct instance *instance, const struct decode_group_member *member,
                       bool leaves)
{
    const struct decode_group *decode_group = &instance->decode_group;
    struct request_clock *clock = &instance->requests[member->request].clock;
    clock->last_token_ps = decode_group->last_token_ps;
    clock->max_itl_ps =
        ps_max(clock->max_itl_ps, falling_gaps_largest(&decode_group->gaps, member->joined));
    if (decode_group->plan.drafts > 0) {
        draft_plan_write_back(instance, member, leaves);
    } else {
        write_back_tokens(instance, member);
    }
}

/* The context of a member before the step that is scheduled next. */
static uint64_t context_of(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    return instance->decode_group.plan.drafts > 0 ? request->known_tokens - 1
                                                  : request->computed_tokens;
}

/* What remains of the member in the steps in flight. */
static void enter_steps(struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    uint32_t drafts = instance->decode_group.plan.drafts;
    for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
        struct batch_entry entry = {.request = index,
                                    .tokens = 1 + drafts,
                                    .drafts = drafts,
                                    .computed_before =
                                        request->computed_tokens -
                                        (instance->loop.steps_in_flight - k) * (1 + drafts),
                                    .samples = true};
        if (drafts > 0) {
            entry.accepted =
                speculation_accepted(&request->truth.drafts, request->verifications - 1, drafts);
        }
        batch_add(instance_step(instance, k), entry);
    }
}

static void leave(struct instance *instance, const struct decode_group_member *member)
{
    struct decode_group *decode_group = &instance->decode_group;
    write_back(instance, member, true);
    uint64_t context = context_of(instance, member->request);
    instance->requests[member->request].is_member = false;
    decode_group->context_tokens -= context;
    decode_group->context_squares -= context * context;
    if (decode_group->plan.drafts == 0) {
        *crossing_of(instance, member->request) -= decode_group->blocks_at_a_time;
    }
    enter_steps(instance, member->request);
}

/* Its first visible token comes with the output of step 'step', counted from 0. */
static void note_thinking(struct decode_group *decode_group, uint32_t request, uint64_t step)
{
    member_heap_push(&decode_group->thinking,
                     (struct decode_group_member){.due = step + 1, .request = request});
}

static void plan_member(struct instance *instance, struct decode_group_member *member)
{
    uint64_t visible = draft_plan_add(instance, member);
    if (visible < UINT64_MAX) {
        note_thinking(&instance->decode_group, member->request, visible);
    }
}

static void join(struct instance *instance, uint32_t index, uint32_t steps)
{
    struct decode_group *decode_group = &instance->decode_group;
    struct request *request = &instance->requests[index];
    struct decode_group_member member = {
        .due = decode_group->taken + steps, .joined = decode_group->taken, .request = index};
    uint32_t outputs = request_outputs(request);
    if (decode_group_count(decode_group) == 0) {
        decode_group->last_token_ps = request->clock.last_token_ps;
        decode_group->gaps.count = 0;
        draft_plan_reset(&decode_group->plan, decode_group->taken + DRAFT_PLAN_STEPS);
    }
    assert(decode_group->last_token_ps == request->clock.last_token_ps &&
           decode_group->taken == decode_group->scheduled);
    if (decode_group->plan.drafts > 0) {
        plan_member(instance, &member);
    } else {
        *crossing_of(instance, index) += decode_group->blocks_at_a_time;
        if (request->truth.reasoning_tokens >= outputs &&
            request->truth.reasoning_tokens - outputs < steps) {
            note_thinking(decode_group, index,
                          decode_group->taken + request->truth.reasoning_tokens - outputs);
        }
    }
    member_heap_push(&decode_group->leaving, member);
    request->is_member = true;
    uint64_t context = context_of(instance, index);
    decode_group->context_tokens += context;
    decode_group->context_squares += context * context;
}

/* Steps for which the ungrouped request will only decode; 0 when it cannot join. */
static uint32_t steady_steps(struct instance *instance, uint32_t index, int64_t seen_ps)
{
    const struct draft_plan *plan = &instance->decode_group.plan;
    const struct request *request = &instance->requests[index];
    if (request->clock.last_token_ps != seen_ps ||
        request->placeholders != instance_steps_limit(instance) + plan->drafts) {
        return 0;
    }
    if (plan->drafts == 0) {
        uint32_t steps = instance->config->preset->repeats.steady_steps(instance, request);
        return (uint32_t)instance_policy_steps(instance, request, steps);
    }
    return draft_plan_suits(instance, index) ? 1 : 0;
}

static void drop_members(const struct instance *instance, struct batch *batch)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!instance->requests[batch->entries[i].request].is_member) {
            batch->entries[kept++] = batch->entries[i];
        }
    }
    batch->count = kept;
}

void decode_group_gather(struct instance *instance, int64_t seen_ps)
{
    bool speculates = instance->config->engine.draft_tokens > 0;
    if (!instance->decode_group.is_open || instance->ungrouped_count == 0 ||
        instance->loop.steps_in_flight != instance_steps_limit(instance) ||
        (speculates && instance->decode_group.plan.drafts == 0)) {
        return;
    }
    uint32_t kept = 0;
    bool behind_prompt = false;
    for (uint32_t i = 0; i < instance->ungrouped_count; i++) {
        uint32_t index = instance->ungrouped[i];
        const struct request *request = &instance->requests[index];
        behind_prompt = behind_prompt || request->computed_tokens < request->known_tokens;
        uint32_t steps = behind_prompt ? 0 : steady_steps(instance, index, seen_ps);
        if (steps > 0) {
            join(instance, index, steps);
        } else {
            instance->ungrouped[kept++] = index;
        }
    }
    if (kept < instance->ungrouped_count) {
        for (uint32_t k = 0; k < instance->loop.steps_in_flight; k++) {
            drop_members(instance, instance_step(instance, k));
        }
    }
    instance->ungrouped_count = kept;
}

/* Without members all running requests are ungrouped, and walked in their order. */
static void ungroup_all(struct instance *instance)
{
    memcpy(instance->ungrouped, instance->running,
           instance->running_count * sizeof instance->ungrouped[0]);
    instance->ungrouped_count = instance->running_count;
}

/* A member stood before every prompt that is still being computed. */
static void ungroup_first(struct instance *instance, uint32_t request)
{
    memmove(&instance->ungrouped[1], instance->ungrouped,
            instance->ungrouped_count * sizeof instance->ungrouped[0]);
    assert(instance->ungrouped_count < instance->running_count);
    instance->ungrouped[0] = request;
    instance->ungrouped_count++;
}

/* All members are planned anew from now on. */
static void extend_plan(struct instance *instance)
{
    struct decode_group *decode_group = &instance->decode_group;
    struct member_heap *leaving = &decode_group->leaving;
    uint32_t count = leaving->count;
    assert(decode_group->taken == decode_group->scheduled);
    for (uint32_t i = 0; i < count; i++) {
        write_back(instance, &leaving->members[i], false);
    }
    draft_plan_reset(&decode_group->plan, decode_group->taken + DRAFT_PLAN_STEPS);
    decode_group->thinking.count = 0;
    leaving->count = 0;
    for (uint32_t i = 0; i < count; i++) { /* the heap grows over members that are done with */
        struct decode_group_member member = leaving->members[i];
        member.joined = decode_group->taken;
        plan_member(instance, &member);
        member_heap_push(leaving, member);
    }
}

void decode_group_release(struct instance *instance)
{
    struct decode_group *decode_group = &instance->decode_group;
    bool had_members = decode_group_count(decode_group) > 0;
    while (decode_group_count(decode_group) > 0 &&
           decode_group->leaving.members[0].due == decode_group->taken) {
        if (decode_group->leaving.members[0].goes_on) {
            extend_plan(instance);
            continue;
        }
        struct decode_group_member member = member_heap_pop(&decode_group->leaving);
        leave(instance, &member);
        ungroup_first(instance, member.request);
    }
    if (had_members && decode_group_count(decode_group) == 0) {
        ungroup_all(instance);
    }
}

void decode_group_remove(struct instance *instance, uint32_t request)
{
    struct decode_group *decode_group = &instance->decode_group;
    struct decode_group_member member = {0};
    assert(instance->requests[request].is_member);
    member_heap_remove(&decode_group->thinking, request, &member);
    bool found = member_heap_remove(&decode_group->leaving, request, &member);
    assert(found);
    (void)found;
    leave(instance, &member);
    ungroup_first(instance, request);
    if (decode_group_count(decode_group) == 0) {
        decode_group->scheduled = decode_group->taken;
        ungroup_all(instance);
    }
}

void decode_group_dissolve(struct instance *instance)
{
    struct decode_group *decode_group = &instance->decode_group;
    for (uint32_t i = 0; i < decode_group_count(decode_group); i++) {
        leave(instance, &decode_group->leaving.members[i]);
    }
    decode_group->leaving.count = 0;
    decode_group->thinking.count = 0;
    /* between steps the counts of tokens and steps are one */
    decode_group->scheduled = decode_group->taken;
    ungroup_all(instance);
}

void decode_group_write_back(struct instance *instance)
{
    struct decode_group *decode_group = &instance->decode_group;
    assert(decode_group->taken == decode_group->scheduled);
    for (uint32_t i = 0; i < decode_group_count(decode_group); i++) {
        write_back(instance, &decode_group->leaving.members[i], false);
        decode_group->leaving.members[i].joined = decode_group->taken;
    }
}

static bool someone_is_visible(const struct decode_group *decode_group)
{
    return decode_group->thinking.count > 0 &&
           decode_group->thinking.members[0].due <= decode_group->taken;
}

/* First visible tokens among those up to now, of which the first came at step 0 of 'times'. */
static void note_visible(struct instance *instance, const struct step_times *times,
                         uint64_t taken_before, int64_t overhead_ps)
{
    struct decode_group *decode_group = &instance->decode_group;
    while (someone_is_visible(decode_group)) {
        struct decode_group_member member = member_heap_pop(&decode_group->thinking);
        instance->requests[member.request].clock.first_visible_ps =
            step_times_at(times, member.due - taken_before - 1) + overhead_ps;
    }
}

uint64_t decode_group_tokens(const struct decode_group *decode_group)
{
    const struct draft_plan *plan = &decode_group->plan;
    uint64_t members = decode_group_count(decode_group);
    return plan->drafts == 0 || members == 0
               ? members
               : members + plan->steps[decode_group->taken % DRAFT_PLAN_STEPS].accepted;
}

int64_t decode_group_deliver(struct decode_group *decode_group, struct instance *instance,
                             int64_t seen_ps)
{
    int64_t gap_ps = seen_ps - decode_group->last_token_ps;
    if (decode_group->plan.drafts > 0) {
        const struct draft_step *step = draft_plan_step(&decode_group->plan, decode_group->taken);
        decode_group->context_tokens += decode_group_tokens(decode_group);
        decode_group->context_squares += step->squares;
    }
    decode_group->taken++;
    decode_group->last_token_ps = seen_ps;
    falling_gaps_add(&decode_group->gaps, decode_group->taken, gap_ps);
    if (someone_is_visible(decode_group)) {
        const struct step_times times = {.first_ps = seen_ps};
        note_visible(instance, &times, decode_group->taken - 1, 0);
    }
    return gap_ps;
}

struct periodic_growth decode_group_growth(const struct decode_group *decode_group)
{
    return (struct periodic_growth){
        .blocks = decode_group->crossings,
        .period = decode_group->period_tokens,
        .first = (uint32_t)(decode_group->scheduled % decode_group->period_tokens),
        .sum = decode_group_count(decode_group) * decode_group->blocks_at_a_time,
        .members = decode_group_count(decode_group)};
}

uint64_t decode_group_steps_left(const struct decode_group *decode_group)
{
    assert(decode_group_count(decode_group) > 0);
    assert(decode_group->leaving.members[0].due >= decode_group->taken);
    return decode_group->leaving.members[0].due - decode_group->taken;
}

uint64_t decode_group_steps(const struct instance *instance, uint64_t most)
{
    const struct decode_group *decode_group = &instance->decode_group;
    struct periodic_growth growth = decode_group_growth(decode_group);
    uint64_t free_blocks = instance->kv_cache.free_blocks;
    uint64_t due = decode_group_steps_left(decode_group);
    uint64_t steps = due < most ? due : most;
    return periodic_growth_bound(&growth, steps) <= free_blocks ||
                   periodic_growth_of_steps(&growth, steps) <= free_blocks
               ? steps
               : periodic_growth_steps_within(&growth, free_blocks);
}

/* Steps formed with all members. */
static void advance(struct instance *instance, uint64_t steps)
{
    struct decode_group *decode_group = &instance->decode_group;
    struct periodic_growth growth = decode_group_growth(decode_group);
    uint64_t count = growth.members;
    uint64_t blocks =
        steps == 1 ? growth.blocks[growth.first] : periodic_growth_of_steps(&growth, steps);
    kv_cache_take(&instance->kv_cache, (uint32_t)blocks);
    decode_group->context_squares +=
        2 * steps * decode_group->context_tokens + count * steps * steps;
    decode_group->context_tokens += count * steps;
    decode_group->scheduled += steps;
}

uint32_t decode_group_member_tokens(const struct decode_group *decode_group)
{
    return 1 + decode_group->plan.drafts;
}

uint64_t decode_group_blocks(const struct decode_group *decode_group)
{
    const struct draft_plan *plan = &decode_group->plan;
    if (decode_group_count(decode_group) == 0) {
        return 0;
    }
    return plan->drafts > 0
               ? plan->steps[decode_group->scheduled % DRAFT_PLAN_STEPS].blocks
               : decode_group->crossings[decode_group->scheduled % decode_group->period_tokens];
}

/* The verifications of a step. */
static void schedule_drafts(struct instance *instance, struct batch *batch)
{
    struct decode_group *decode_group = &instance->decode_group;
    const struct draft_plan *plan = &decode_group->plan;
    uint32_t members = decode_group_count(decode_group);
    assert(decode_group->taken < plan->end);
    batch->summary.draft_tokens += members * plan->drafts;
    batch->drafts.verifications += members;
    batch->drafts.accepted += plan->steps[decode_group->taken % DRAFT_PLAN_STEPS].accepted;
    batch->drafts.context_tokens += decode_group->context_tokens;
    kv_cache_take(&instance->kv_cache, (uint32_t)decode_group_blocks(decode_group));
    decode_group->scheduled++;
}

void decode_group_schedule(struct instance *instance, struct batch *batch)
{
    struct decode_group *decode_group = &instance->decode_group;
    if (decode_group_count(decode_group) == 0) {
        return;
    }
    batch->summary.decode_requests += decode_group_count(decode_group);
    batch->summary.decode_context_tokens += decode_group->context_tokens;
    batch->summary.decode_context_squares += decode_group->context_squares;
    if (decode_group->plan.drafts > 0) {
        schedule_drafts(instance, batch);
    } else {
        advance(instance, 1);
    }
    assert(decode_group->taken == decode_group->scheduled);
}

void decode_group_repeat(struct instance *instance, const struct step_times *times, uint64_t steps,
                         int64_t output_overhead_ps)
{
    struct decode_group *decode_group = &instance->decode_group;
    uint64_t before = decode_group->taken;
    int64_t first_gap_ps = times->first_ps + output_overhead_ps - decode_group->last_token_ps;
    decode_group->taken += steps;
    /* nobody joins or leaves on the way, so the largest gap stands for all */
    falling_gaps_add(&decode_group->gaps, decode_group->taken,
                     ps_max(first_gap_ps, step_times_largest_gap(times, steps)));
    decode_group->last_token_ps = step_times_at(times, steps - 1) + output_overhead_ps;
    note_visible(instance, times, before, output_overhead_ps);
    advance(instance, steps);
}
