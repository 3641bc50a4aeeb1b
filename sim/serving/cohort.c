#include "sim/serving/cohort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/serving/instance.h"

void cohort_init(struct cohort *cohort, uint32_t block_tokens, uint32_t blocks_at_a_time)
{
    memset(cohort, 0, sizeof *cohort);
    cohort->blocks_at_a_time = blocks_at_a_time;
    cohort->period_tokens = block_tokens * blocks_at_a_time;
    cohort->crossings = memory_zeroed(cohort->period_tokens, sizeof cohort->crossings[0]);
}

void cohort_clear(struct cohort *cohort)
{
    free(cohort->leaving.members);
    free(cohort->thinking.members);
    free(cohort->crossings);
    free(cohort->gaps);
    memset(cohort, 0, sizeof *cohort);
}

static void heap_push(struct cohort_heap *heap, struct cohort_member member)
{
    heap->members = memory_grow(heap->members, &heap->capacity, (size_t)heap->count + 1,
                                sizeof heap->members[0]);
    uint32_t hole = heap->count++;
    while (hole > 0 && member.due < heap->members[(hole - 1) / 2].due) {
        heap->members[hole] = heap->members[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap->members[hole] = member;
}

static struct cohort_member heap_pop(struct cohort_heap *heap)
{
    struct cohort_member first = heap->members[0];
    struct cohort_member last = heap->members[--heap->count];
    uint32_t hole = 0;
    for (uint32_t child = 1; child < heap->count; child = 2 * hole + 1) {
        if (child + 1 < heap->count && heap->members[child + 1].due < heap->members[child].due) {
            child++;
        }
        if (last.due <= heap->members[child].due) {
            break;
        }
        heap->members[hole] = heap->members[child];
        hole = child;
    }
    heap->members[hole] = last;
    return first;
}

static void note_gap(struct cohort *cohort, uint64_t token, int64_t gap_ps)
{
    while (cohort->gap_count > 0 && cohort->gaps[cohort->gap_count - 1].gap_ps <= gap_ps) {
        cohort->gap_count--;
    }
    cohort->gaps = memory_grow(cohort->gaps, &cohort->gap_capacity, (size_t)cohort->gap_count + 1,
                               sizeof cohort->gaps[0]);
    cohort->gaps[cohort->gap_count++] = (struct cohort_gap){.token = token, .gap_ps = gap_ps};
}

/* The largest gap before any token after 'joined'; 0 without one. */
static int64_t largest_gap_since(const struct cohort *cohort, uint64_t joined)
{
    uint32_t low = 0;
    uint32_t high = cohort->gap_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cohort->gaps[middle].token > joined) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < cohort->gap_count ? cohort->gaps[low].gap_ps : 0;
}

/* Where the step stands for which a request will need more blocks than it holds. */
static uint32_t *crossing_of(struct instance *instance, uint32_t index)
{
    struct cohort *cohort = &instance->cohort;
    const struct kv_cache *cache = &instance->kv_cache;
    uint64_t held_tokens = (uint64_t)cache->held_blocks[index] * cache->block_tokens;
    uint64_t left = held_tokens - instance->requests[index].computed_tokens;
    return &cohort->crossings[(cohort->formed + left) % cohort->period_tokens];
}

static void write_back(struct instance *instance, const struct cohort_member *member)
{
    const struct cohort *cohort = &instance->cohort;
    struct request *request = &instance->requests[member->request];
    uint64_t in_turn = cohort->taken - cohort->formed;
    request->known_tokens += (uint32_t)(cohort->taken - member->joined);
    request->computed_tokens += (uint32_t)(cohort->formed - member->joined);
    request->placeholders -= (uint32_t)in_turn;
    request->last_token_ps = cohort->last_token_ps;
    request->max_itl_ps = ps_max(request->max_itl_ps, largest_gap_since(cohort, member->joined));
    kv_cache_settle(&instance->kv_cache, member->request, request->computed_tokens,
                    cohort->blocks_at_a_time);
}

/* What remains of the member in the steps in flight. */
static void enter_steps(struct instance *instance, uint32_t index)
{
    for (uint32_t k = 0; k < instance->steps_in_flight; k++) {
        batch_add(
            instance_step(instance, k),
            (struct batch_entry){.request = index,
                                 .tokens = 1,
                                 .computed_before = instance->requests[index].computed_tokens -
                                                    (instance->steps_in_flight - k),
                                 .samples = true});
    }
}

static void leave(struct instance *instance, const struct cohort_member *member)
{
    struct cohort *cohort = &instance->cohort;
    struct request *request = &instance->requests[member->request];
    write_back(instance, member);
    uint64_t computed = request->computed_tokens;
    request->is_member = false;
    cohort->context_tokens -= computed;
    cohort->context_squares -= computed * computed;
    *crossing_of(instance, member->request) -= cohort->blocks_at_a_time;
    enter_steps(instance, member->request);
}

static void join(struct instance *instance, uint32_t index, uint32_t turns)
{
    struct cohort *cohort = &instance->cohort;
    struct request *request = &instance->requests[index];
    struct cohort_member member = {
        .due = cohort->taken + turns, .joined = cohort->taken, .request = index};
    uint64_t computed = request->computed_tokens;
    uint32_t outputs = request_outputs(request);
    if (cohort_count(cohort) == 0) {
        cohort->last_token_ps = request->last_token_ps;
        cohort->gap_count = 0;
    }
    assert(cohort->last_token_ps == request->last_token_ps && cohort->taken == cohort->formed);
    heap_push(&cohort->leaving, member);
    if (request->reasoning_tokens >= outputs && request->reasoning_tokens - outputs < turns) {
        member.due = cohort->taken + request->reasoning_tokens - outputs + 1;
        heap_push(&cohort->thinking, member);
    }
    request->is_member = true;
    cohort->context_tokens += computed;
    cohort->context_squares += computed * computed;
    *crossing_of(instance, index) += cohort->blocks_at_a_time;
}

/* Turns for which the loose request will only decode; 0 when it cannot join. */
static uint32_t steady_turns(const struct instance *instance, const struct request *request,
                             int64_t seen_ps)
{
    bool in_all_steps = request->placeholders == instance_steps_limit(instance);
    return in_all_steps && request->last_token_ps == seen_ps
               ? instance->preset->steady_turns(instance, request)
               : 0;
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

void cohort_gather(struct instance *instance, int64_t seen_ps)
{
    if (!instance->cohort.is_open || instance->loose_count == 0 ||
        instance->steps_in_flight != instance_steps_limit(instance)) {
        return;
    }
    uint32_t kept = 0;
    bool behind_prompt = false;
    for (uint32_t i = 0; i < instance->loose_count; i++) {
        uint32_t index = instance->loose[i];
        const struct request *request = &instance->requests[index];
        behind_prompt = behind_prompt || request->computed_tokens < request->known_tokens;
        uint32_t turns = behind_prompt ? 0 : steady_turns(instance, request, seen_ps);
        if (turns > 0) {
            join(instance, index, turns);
        } else {
            instance->loose[kept++] = index;
        }
    }
    if (kept < instance->loose_count) {
        for (uint32_t k = 0; k < instance->steps_in_flight; k++) {
            drop_members(instance, instance_step(instance, k));
        }
    }
    instance->loose_count = kept;
}

/* Without members all running requests are loose, and walked in their order. */
static void loosen_all(struct instance *instance)
{
    memcpy(instance->loose, instance->running, instance->running_count * sizeof instance->loose[0]);
    instance->loose_count = instance->running_count;
}

void cohort_release(struct instance *instance)
{
    struct cohort *cohort = &instance->cohort;
    bool had_members = cohort_count(cohort) > 0;
    while (cohort_count(cohort) > 0 && cohort->leaving.members[0].due == cohort->taken) {
        struct cohort_member member = heap_pop(&cohort->leaving);
        leave(instance, &member);
        memmove(&instance->loose[1], instance->loose,
                instance->loose_count * sizeof instance->loose[0]);
        instance->loose[0] = member.request;
        instance->loose_count++;
    }
    if (had_members && cohort_count(cohort) == 0) {
        loosen_all(instance);
    }
}

void cohort_dissolve(struct instance *instance)
{
    struct cohort *cohort = &instance->cohort;
    for (uint32_t i = 0; i < cohort_count(cohort); i++) {
        leave(instance, &cohort->leaving.members[i]);
    }
    cohort->leaving.count = 0;
    cohort->thinking.count = 0;
    /* between turns the counts of tokens and steps are one */
    cohort->formed = cohort->taken;
    loosen_all(instance);
}

void cohort_write_back(struct instance *instance)
{
    struct cohort *cohort = &instance->cohort;
    assert(cohort->taken == cohort->formed);
    for (uint32_t i = 0; i < cohort_count(cohort); i++) {
        write_back(instance, &cohort->leaving.members[i]);
        cohort->leaving.members[i].joined = cohort->taken;
    }
}

/* First visible tokens among those up to now, of which the first came at turn 0 of 'times'. */
static void note_visible(struct instance *instance, const struct turn_times *times,
                         uint64_t taken_before, int64_t overhead_ps)
{
    struct cohort *cohort = &instance->cohort;
    while (cohort->thinking.count > 0 && cohort->thinking.members[0].due <= cohort->taken) {
        struct cohort_member member = heap_pop(&cohort->thinking);
        instance->requests[member.request].first_visible_ps =
            turn_times_at(times, member.due - taken_before - 1) + overhead_ps;
    }
}

int64_t cohort_deliver(struct cohort *cohort, struct instance *instance, int64_t seen_ps)
{
    int64_t gap_ps = seen_ps - cohort->last_token_ps;
    cohort->taken++;
    cohort->last_token_ps = seen_ps;
    note_gap(cohort, cohort->taken, gap_ps);
    note_visible(instance, &(struct turn_times){.first_ps = seen_ps}, cohort->taken - 1, 0);
    return gap_ps;
}

struct block_growth cohort_growth(const struct cohort *cohort)
{
    return (struct block_growth){.blocks = cohort->crossings,
                                 .period = cohort->period_tokens,
                                 .first = (uint32_t)(cohort->formed % cohort->period_tokens),
                                 .sum = cohort_count(cohort) * cohort->blocks_at_a_time,
                                 .members = cohort_count(cohort)};
}

uint64_t cohort_turns(const struct instance *instance, uint64_t most)
{
    const struct cohort *cohort = &instance->cohort;
    struct block_growth growth = cohort_growth(cohort);
    uint64_t free_blocks = instance->kv_cache.free_blocks;
    uint64_t due = cohort->leaving.members[0].due - cohort->taken;
    uint64_t turns = due < most ? due : most;
    return block_growth_of_turns(&growth, turns) <= free_blocks
               ? turns
               : block_growth_turns_within(&growth, free_blocks);
}

/* Steps formed with all members. */
static void advance(struct instance *instance, uint64_t steps)
{
    struct cohort *cohort = &instance->cohort;
    struct block_growth growth = cohort_growth(cohort);
    uint64_t count = growth.members;
    kv_cache_take(&instance->kv_cache, (uint32_t)block_growth_of_turns(&growth, steps));
    cohort->context_squares += 2 * steps * cohort->context_tokens + count * steps * steps;
    cohort->context_tokens += count * steps;
    cohort->formed += steps;
}

void cohort_form(struct instance *instance)
{
    if (cohort_count(&instance->cohort) > 0) {
        advance(instance, 1);
    }
}

void cohort_repeat(struct instance *instance, const struct turn_times *times, uint64_t turns,
                   int64_t output_overhead_ps)
{
    struct cohort *cohort = &instance->cohort;
    uint64_t before = cohort->taken;
    note_gap(cohort, before + 1, times->first_ps + output_overhead_ps - cohort->last_token_ps);
    if (turns > 1) {
        note_gap(cohort, before + 2, times->first_gap_ps);
    }
    if (turns > 2) {
        note_gap(cohort, before + turns, times->gap_ps + times->rise_ps * (int64_t)(turns - 3));
    }
    cohort->taken += turns;
    cohort->last_token_ps = turn_times_at(times, turns - 1) + output_overhead_ps;
    note_visible(instance, times, before, output_overhead_ps);
    advance(instance, turns);
}
