#include "sim/serving/draft_plan.h"

#include <assert.h>
#include <string.h>

#include "sim/serving/instance.h"
#include "sim/serving/speculation.h"

/* What bounds a member. */
struct course {
    const struct draft_plan *plan;
    const struct draft_odds *odds;
    const struct draft_truth *truth;
    uint32_t max_known; /* tokens with which it still gets all drafts in another step */
};

void draft_plan_reset(struct draft_plan *plan, uint64_t end)
{
    memset(plan->steps, 0, sizeof plan->steps);
    plan->end = end;
}

static void course_init(struct course *course, struct instance *instance, uint32_t index)
{
    struct draft_plan *plan = &instance->decode_group.plan;
    const struct request *request = &instance->requests[index];
    uint32_t limit = instance_output_limit(instance, request);
    uint32_t outputs = request->truth.output_tokens < limit ? request->truth.output_tokens : limit;
    uint64_t before_end = (uint64_t)request->ask.prompt_tokens + outputs - 1;
    uint64_t room = plan->max_model_len > plan->drafts ? plan->max_model_len - plan->drafts - 1 : 0;
    course->plan = plan;
    course->truth = &request->truth.drafts;
    course->max_known = (uint32_t)(before_end < room ? before_end : room);
    course->odds = &plan->odds;
    draft_odds_init(&plan->odds, course->truth, plan->drafts);
}

static struct draft_progress progress_of(const struct instance *instance, uint32_t index)
{
    const struct request *request = &instance->requests[index];
    assert(request->verifications > 0 && request->known_tokens > 0);
    return (struct draft_progress){.known_tokens = request->known_tokens,
                                   .held_blocks = instance->kv_cache.held_blocks[index],
                                   .verification = request->verifications - 1};
}

static uint32_t accepted_by(const struct course *course, uint32_t verification)
{
    return course->truth->accepted == NULL
               ? draft_odds_accepted(course->odds, course->truth->key, verification)
               : speculation_accepted(course->truth, verification, course->plan->drafts);
}

/* The same of 'count' verifications in a row. */
static void draw_accepted(const struct course *course, uint32_t verification, uint32_t count,
                          uint8_t *ret_accepted)
{
    if (course->truth->accepted == NULL) {
        draft_odds_draw(course->odds, course->truth->key, verification, count, ret_accepted);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_accepted[i] = (uint8_t)accepted_by(course, verification + i);
    }
}

/* Takes the blocks that 'known' tokens and the drafts beside them need, and notes up to how many
 * known tokens nothing more is needed. False when the request ends with so many or is not given all
 * drafts again. */
static bool find_room(const struct course *course, uint32_t known, struct draft_progress *progress,
                      struct draft_step *step)
{
    const struct draft_plan *plan = course->plan;
    uint64_t reach = (uint64_t)known + plan->drafts;
    uint64_t held_tokens = (uint64_t)progress->held_blocks * plan->block_tokens;
    if (known > course->max_known) {
        return false;
    }
    if (reach > held_tokens) {
        uint64_t missing = (reach - held_tokens + plan->block_tokens - 1) / plan->block_tokens;
        step->blocks = (uint32_t)missing + plan->blocks_ahead;
        if (progress->held_blocks + step->blocks > plan->max_blocks) {
            step->blocks = 0;
            return false;
        }
        progress->held_blocks += step->blocks;
        held_tokens = (uint64_t)progress->held_blocks * plan->block_tokens;
    }
    uint64_t room_tokens = held_tokens - plan->drafts;
    progress->room_tokens =
        room_tokens < course->max_known ? (uint32_t)room_tokens : course->max_known;
    return true;
}

/* Ends the verification under way, which accepts so many drafts, and begins the next one like it:
 * '*ret_step' is what that adds to the sums. False, with nothing but 'accepted' in it, when there
 * is no such next one. */
static inline bool go_on(const struct course *course, uint32_t accepted,
                         struct draft_progress *progress, struct draft_step *ret_step)
{
    uint32_t known = progress->known_tokens + 1 + accepted;
    uint64_t context = progress->known_tokens - 1;
    *ret_step = (struct draft_step){.accepted = accepted};
    if (known > progress->room_tokens && !find_room(course, known, progress, ret_step)) {
        return false;
    }
    ret_step->squares = (2 * context + 1 + accepted) * (1 + accepted);
    progress->known_tokens = known;
    progress->verification++;
    return true;
}

static bool take_step(const struct course *course, struct draft_progress *progress,
                      struct draft_step *ret_step)
{
    return go_on(course, accepted_by(course, progress->verification), progress, ret_step);
}

bool draft_plan_suits(struct instance *instance, uint32_t index)
{
    struct course course;
    struct draft_step step;
    struct draft_progress progress = progress_of(instance, index);
    course_init(&course, instance, index);
    return take_step(&course, &progress, &step);
}

/* Adds the steps from '*step' on before 'end' to the plan, and moves on to where it ends; false
 * when that is the member's own end, and '*progress' where it stands before. */
static bool add_steps(struct draft_plan *plan, const struct course *course,
                      struct draft_progress *progress, uint64_t *step, uint64_t end)
{
    struct draft_progress at = *progress;
    uint8_t accepted[DRAFT_PLAN_STEPS];
    const uint64_t first = *step;
    uint64_t s = first;
    assert(end >= first && end - first <= DRAFT_PLAN_STEPS);
    draw_accepted(course, at.verification, (uint32_t)(end - first), accepted);
    for (; s < end; s++) { /* the hottest loop of speculation */
        struct draft_step *sum = draft_plan_step(plan, s);
        struct draft_step its;
        bool goes_on = go_on(course, accepted[s - first], &at, &its);
        sum->accepted += its.accepted;
        if (!goes_on) {
            break;
        }
        sum->squares += its.squares;
        if (its.blocks > 0) {
            sum->blocks += its.blocks;
        }
    }
    *progress = at;
    *step = s;
    return s == end;
}

/* The first step, of those planned, whose output takes the member beyond its thoughts. */
static uint64_t first_visible(const struct course *course, struct draft_progress progress,
                              uint64_t step, uint64_t end, uint32_t thoughts)
{
    struct draft_step its;
    for (; step < end && take_step(course, &progress, &its); step++) {
        if (progress.known_tokens > thoughts) {
            return step;
        }
    }
    return UINT64_MAX;
}

uint64_t draft_plan_add(struct instance *instance, struct decode_group_member *member)
{
    struct draft_plan *plan = &instance->decode_group.plan;
    const struct request *request = &instance->requests[member->request];
    uint32_t thoughts = request->ask.prompt_tokens + request->truth.reasoning_tokens;
    const struct draft_progress start = progress_of(instance, member->request);
    struct draft_progress progress = start;
    uint64_t step = member->joined;
    struct course course;
    course_init(&course, instance, member->request);
    assert(step < plan->end);
    member->goes_on = add_steps(plan, &course, &progress, &step, plan->end - 1);
    member->due = step;
    member->at_due = progress;
    if (member->goes_on) {
        member->goes_on = add_steps(plan, &course, &progress, &step, plan->end);
    }
    return start.known_tokens <= thoughts && progress.known_tokens > thoughts
               ? first_visible(&course, start, member->joined, plan->end, thoughts)
               : UINT64_MAX;
}

/* Takes out what is planned from step 'step' on, before whose output the member is at 'progress'.
 */
static void withdraw(struct draft_plan *plan, const struct course *course,
                     struct draft_progress progress, uint64_t step)
{
    bool goes_on = true;
    for (; goes_on && step < plan->end; step++) {
        struct draft_step *sum = draft_plan_step(plan, step);
        struct draft_step its;
        goes_on = take_step(course, &progress, &its);
        assert(sum->accepted >= its.accepted && sum->blocks >= its.blocks);
        sum->accepted -= its.accepted;
        sum->squares -= its.squares;
        sum->blocks -= its.blocks;
    }
}

/* Where the member stands before the output of step 'step'. */
static struct draft_progress progress_at(const struct instance *instance,
                                         const struct course *course,
                                         const struct decode_group_member *member, uint64_t step)
{
    struct draft_progress progress = progress_of(instance, member->request);
    struct draft_step its;
    assert(step >= member->joined && step <= member->due);
    if (step == member->due) {
        return member->at_due;
    }
    for (uint64_t s = member->joined; s < step; s++) {
        take_step(course, &progress, &its);
    }
    return progress;
}

void draft_plan_write_back(struct instance *instance, const struct decode_group_member *member,
                           bool leaves)
{
    struct decode_group *decode_group = &instance->decode_group;
    struct draft_plan *plan = &decode_group->plan;
    struct request *request = &instance->requests[member->request];
    struct course course;
    course_init(&course, instance, member->request);
    bool in_flight = decode_group->taken == decode_group->scheduled;
    struct draft_progress progress =
        progress_at(instance, &course, member, decode_group->scheduled);
    struct draft_progress after = progress;
    if (!in_flight) { /* its output is known, and blocks for the next step are not yet taken */
        struct draft_step step;
        take_step(&course, &after, &step);
        if (leaves) {
            draft_plan_step(plan, decode_group->scheduled)->blocks -= step.blocks;
        }
    }
    if (leaves) {
        withdraw(plan, &course, after, decode_group->taken);
    }
    request->known_tokens = after.known_tokens;
    request->computed_tokens = after.known_tokens - 1 + (in_flight ? 1 + plan->drafts : 0);
    request->placeholders = in_flight ? 1 + plan->drafts : 0;
    request->drafts = in_flight ? 0 : plan->drafts;
    request->verifications = progress.verification + 1;
    instance->kv_cache.held_blocks[member->request] = progress.held_blocks;
}
