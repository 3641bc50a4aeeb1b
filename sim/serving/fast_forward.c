#include "sim/serving/fast_forward.h"

#include <assert.h>

#include "sim/base/units.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/draft_run.h"
#include "sim/serving/instance.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/step_pricing.h"
#include "sim/serving/uniform_decodes.h"

/* A step takes 1 ps at least, whatever its price: below this it does not follow the price's line.
 */
enum { MIN_GPU_PS = 2 };

/* The batch of a step 'steps' after another one of the same requests. */
static struct batch_summary later_summary(const struct batch_summary *summary, uint64_t steps)
{
    struct batch_summary later = *summary;
    uint64_t requests = summary->decode_requests;
    later.decode_context_tokens += requests * steps;
    later.decode_context_squares +=
        2 * steps * summary->decode_context_tokens + requests * steps * steps;
    return later;
}

/* All that runs is the decode group, in steps that decode and nothing else. */
static bool is_decode_group_alone(struct instance *instance)
{
    const struct batch_summary *summary = &instance_newest_step(instance)->summary;
    return decode_group_count(&instance->decode_group) > 0 && instance->ungrouped_count == 0 &&
           instance_step(instance, 0)->count == 0 && instance_newest_step(instance)->count == 0 &&
           summary->decode_requests == instance->running_count &&
           summary->draft_tokens == summary->decode_requests * instance->decode_group.plan.drafts &&
           !(instance->waiting.count > 0 &&
             instance->config->preset->repeats.admits_waiting(instance));
}

/* True when the price of attention holds on and all that runs decodes. */
static bool only_decodes(struct instance *instance, struct decode_run *run)
{
    const struct held_attention *held = &instance->pricing.attention;
    if (!instance->loop.may_repeat || instance_policy_has_news(instance) || held->steps < 2 ||
        instance->loop.steps_in_flight == 0 ||
        instance->loop.steps_in_flight != instance_steps_limit(instance) ||
        held->requests != instance_newest_step(instance)->summary.decode_requests) {
        return false;
    }
    run->of_decode_group = is_decode_group_alone(instance);
    return run->of_decode_group || uniform_decodes_are_all(instance);
}

/* For how many steps a duration that changes by 'rise_ps' from step to step is at least 'least_ps'.
 */
static uint64_t steps_at_least(int64_t first_ps, int64_t rise_ps, int64_t least_ps)
{
    if (first_ps < least_ps) {
        return 0;
    }
    return rise_ps >= 0 ? UINT64_MAX : (uint64_t)((first_ps - least_ps) / -rise_ps) + 1;
}

/* Steps one at a time: a gap is the host's part and the GPU's, or the launch and what follows it
 * where that takes longer. Returns for how many steps these times hold. */
static uint64_t time_single_steps(struct decode_run *run, int64_t lead_ps, int64_t rise_ps,
                                  int64_t tail_ps)
{
    int64_t launched_ps = run->launch_ps + tail_ps;
    int64_t first_ps = lead_ps + run->last_gpu_ps;
    if (first_ps >= launched_ps) {
        run->times.first_gap_ps = first_ps;
        run->times.gap_ps = first_ps + rise_ps;
        run->times.rise_ps = rise_ps;
        return steps_at_least(first_ps, rise_ps, ps_max(launched_ps, lead_ps + MIN_GPU_PS));
    }
    run->times.first_gap_ps = launched_ps;
    run->times.gap_ps = launched_ps;
    run->times.rise_ps = 0;
    return rise_ps > 0 ? (uint64_t)((launched_ps - first_ps) / rise_ps) + 1 : UINT64_MAX;
}

/* With two steps in flight the GPU sets the pace, or the loop where it is held up longer by the
 * launch of a full graph than the GPU takes to run it. Returns for how many steps these times hold.
 */
static uint64_t time_overlapping_steps(struct decode_run *run, const struct step_cost *cost,
                                       bool full_graph, int64_t rise_ps, int64_t wait_ps)
{
    int64_t tail_ps = cost->host.launch_tail_ps;
    int64_t least_ps = ps_max(run->launch_ps, ps_max(tail_ps, MIN_GPU_PS));
    run->times.first_gap_ps = wait_ps;
    run->times.gap_ps = run->last_gpu_ps;
    run->times.rise_ps = rise_ps;
    if (wait_ps >= run->launch_ps && run->last_gpu_ps >= least_ps) {
        return steps_at_least(run->last_gpu_ps, rise_ps, least_ps);
    }
    if (!full_graph || !cost->host.launch_blocks_loop || rise_ps < 0 ||
        run->last_gpu_ps > run->launch_ps || tail_ps > run->last_gpu_ps) {
        return 0;
    }
    run->times.first_gap_ps = ps_max(wait_ps, run->launch_ps);
    run->times.gap_ps = run->launch_ps;
    run->times.rise_ps = 0;
    return rise_ps > 0 ? (uint64_t)((run->launch_ps - run->last_gpu_ps) / rise_ps) + 1 : UINT64_MAX;
}

/* Prices the steps to schedule. Returns for how many the times hold. */
static uint64_t price_steps(const struct instance *instance, const struct batch *newest,
                            struct decode_run *run, int64_t now_ps)
{
    const struct step_cost *cost = instance->config->cost;
    const struct step_clock *clock = &instance->pricing.clock;
    const struct held_attention *held = &instance->pricing.attention;
    struct batch_summary first = later_summary(&run->before, 1);
    struct step_price price = step_cost_price(cost, &first, held->price, held->noise);
    int64_t rise_ps = step_cost_rise_ps(&first, held->price, held->noise);
    int64_t host_ps = step_pricing_host_ps(instance, newest);
    int64_t launch_ps = host_ps + price.launch_ps;
    bool is_free = cost->host.launch_blocks_loop || clock->launch_done_ps <= now_ps;
    run->launch_ps = launch_ps;
    run->last_gpu_ps = price.gpu_ps;
    run->delay_ps = step_pricing_output_ps(instance, first.decode_requests) +
                    (instance_takes_tokens_early(instance) ? launch_ps : 0);
    run->gpu_rise_ps = rise_ps;
    run->times = (struct step_times){.first_ps = now_ps, .rise_ps = rise_ps};
    if (price.gpu_ps < MIN_GPU_PS || !is_free) {
        return 0;
    }
    if (instance_steps_limit(instance) > 1) {
        return time_overlapping_steps(run, cost, first.cuda_graph == CUDA_GRAPH_FULL, rise_ps,
                                      newest->end_ps - now_ps);
    }
    int64_t lead_ps = first.cuda_graph == CUDA_GRAPH_FULL ? launch_ps : host_ps;
    uint64_t most = time_single_steps(run, lead_ps, rise_ps, cost->host.launch_tail_ps);
    return clock->gpu_free_ps <= now_ps ? most : 0;
}

/* Passing tokens on takes as long as the steps that make them, so that they come at other times. */
static bool holds_up_tokens(const struct instance *instance, const struct decode_run *run)
{
    const struct host_cost *host = &instance->config->cost->host;
    int64_t work_ps = ps_times(host->output_token_ps, run->before.decode_requests);
    int64_t first_ps = run->times.first_ps + run->delay_ps;
    int64_t gap_ps = ps_min(run->times.first_gap_ps, run->times.gap_ps);
    assert(run->steps == 0 && work_ps >= 0);
    return work_ps > 0 && (gap_ps < work_ps || first_ps - work_ps < instance->pricing.passed_on_ps);
}

/* Steps, at most 'most', up to a change of the batch or of the price of attention. */
static uint64_t count_steps(struct instance *instance, struct decode_run *run, uint64_t most)
{
    uint64_t held = instance->pricing.attention.steps;
    uint64_t steps = held < most ? held : most;
    if (run->of_decode_group) {
        steps = decode_group_steps(instance, steps);
        run->growth = decode_group_growth(&instance->decode_group);
    } else {
        steps = uniform_decodes_steps(instance, steps, &run->growth);
    }
    return steps < 2 ? steps : step_times_before(&run->times, ps_from_s(MAX_TIME_S), steps);
}

bool fast_forward_plan(struct instance *instance, int64_t now_ps)
{
    struct decode_run *run = &instance->loop.run;
    assert(run->steps == 0);
    if (!only_decodes(instance, run)) {
        return false;
    }
    const struct batch *newest = instance_newest_step(instance);
    run->verifies = newest->summary.draft_tokens > 0;
    if (run->verifies) {
        return draft_run_plan(instance, now_ps);
    }
    if (run->of_decode_group && decode_group_steps_left(&instance->decode_group) < 2) {
        return false;
    }
    run->before = newest->summary;
    uint64_t most = price_steps(instance, newest, run, now_ps);
    uint64_t steps = most < 2 ? 0 : count_steps(instance, run, most);
    if (steps < 2 || holds_up_tokens(instance, run)) {
        return false;
    }
    run->steps = steps;
    return true;
}

/* Gaps between the tokens of the steps: requests that sample all get theirs together. */
static void count_gaps(struct histogram *itl, const struct decode_run *run, uint64_t steps)
{
    const struct step_times *times = &run->times;
    uint64_t requests = run->growth.members;
    if (requests > 0 && steps > 1) {
        histogram_add(itl, times->first_gap_ps, requests);
    }
    if (requests > 0 && steps > 2) {
        histogram_add_progression(itl, times->gap_ps, times->rise_ps, steps - 2, requests);
    }
}

/* Each request of a decode group waited for the first token of the run as long as the others. */
static void repeat_decode_group(struct instance *instance, const struct decode_run *run,
                                uint64_t steps)
{
    struct decode_group *decode_group = &instance->decode_group;
    int64_t seen_ps = run->times.first_ps + run->delay_ps;
    histogram_add(&instance->account.record->itl, seen_ps - decode_group->last_token_ps,
                  run->growth.members);
    decode_group_repeat(instance, &run->times, steps, run->delay_ps);
}

/* The state after each scheduling pass: blocks are taken as requests fill theirs. Where tokens are
 * taken early, those of a step are counted by the next. */
static void note_usage(struct instance *instance, const struct decode_run *run, uint64_t steps)
{
    struct timeline_usage usage = instance_usage(instance);
    if (instance_takes_tokens_early(instance)) {
        usage.output_tokens -= run->growth.members;
    }
    timeline_repeat_usage(&instance->account.record->timeline, instance->account.number,
                          &run->times, steps, usage, &run->growth);
}

/* Of the steps, those priced beyond what was measured. Context only grows: from some step on all
 * are. */
static uint64_t count_extrapolated(const struct step_cost *cost, const struct decode_run *run,
                                   uint64_t steps)
{
    struct batch_summary last = later_summary(&run->before, steps);
    uint64_t measured = step_cost_is_extrapolated(cost, &last) ? 0 : steps;
    uint64_t beyond = steps;
    while (measured < beyond) {
        uint64_t middle = (measured + beyond) / 2;
        struct batch_summary summary = later_summary(&run->before, middle + 1);
        if (step_cost_is_extrapolated(cost, &summary)) {
            beyond = middle;
        } else {
            measured = middle + 1;
        }
    }
    return steps - measured;
}

static void count_repeated(struct instance *instance, const struct decode_run *run, uint64_t steps)
{
    struct step_counts *counts = &instance->account.record->counts;
    counts->extrapolated_steps += count_extrapolated(instance->config->cost, run, steps);
    counts->decode_steps += steps;
    instance->account.output_tokens += steps * run->growth.members;
    if (run->growth.members == 0) {
        instance->account.steps_since_token += steps;
    } else {
        instance->account.steps_since_token = instance_takes_tokens_early(instance) ? 0 : 1;
    }
    instance->pricing.attention.steps -= (uint32_t)steps;
}

/* The steps in flight become those of the last steps. */
static void advance_steps(struct instance *instance, const struct decode_run *run, uint64_t steps)
{
    struct batch *oldest = instance_step(instance, 0);
    struct batch *newest = instance_newest_step(instance);
    struct step_clock *clock = &instance->pricing.clock;
    int64_t next_ps = step_times_at(&run->times, steps);
    oldest->summary = later_summary(&run->before, steps - 1);
    oldest->end_ps = next_ps;
    if (instance_steps_limit(instance) > 1) {
        newest->end_ps = next_ps + run->last_gpu_ps + run->gpu_rise_ps * (int64_t)(steps - 1);
    }
    newest->summary = later_summary(&run->before, steps);
    clock->gpu_free_ps = newest->end_ps;
    instance->pricing.passed_on_ps = step_times_at(&run->times, steps - 1) + run->delay_ps;
    clock->launch_done_ps = step_times_at(&run->times, steps - 1) + run->launch_ps;
    instance->leaving.finished_count = 0;
}

uint64_t decode_run_steps_before(const struct decode_run *run, int64_t end_ps)
{
    uint64_t steps = 1;
    if (!run->verifies) {
        return step_times_before(&run->times, end_ps, run->steps);
    }
    while (steps < run->steps && run->ends_ps[steps] < end_ps) {
        steps++;
    }
    return steps;
}

/* Observers see verifications one by one, as they bring unlike numbers of tokens. */
static void tell_of_steps(const struct instance *instance, const struct decode_run *run,
                          uint64_t steps)
{
    const struct observer_list *list = &instance->account.record->observers;
    for (size_t i = 0; i < list->count; i++) {
        const struct observer *observer = &list->observers[i];
        for (uint64_t s = 0; run->verifies && observer->on_repeat != NULL && s < steps; s++) {
            const struct step_times one = {.first_ps = run->ends_ps[s]};
            observer->on_repeat(observer->state, instance, &one, 1);
        }
        if (!run->verifies && observer->on_repeat != NULL) {
            observer->on_repeat(observer->state, instance, &run->times, steps);
        }
    }
}

/* Steps that each bring one token a request. */
static void repeat(struct instance *instance, const struct decode_run *run, uint64_t steps)
{
    struct step_record *record = instance->account.record;
    note_usage(instance, run, steps);
    count_repeated(instance, run, steps);
    count_gaps(&record->itl, run, steps);
    if (run->of_decode_group) {
        repeat_decode_group(instance, run, steps);
    } else {
        uniform_decodes_repeat(instance, &run->times, steps, &run->growth, run->delay_ps,
                               &record->itl);
    }
    advance_steps(instance, run, steps);
}

void fast_forward_apply(struct instance *instance, uint64_t steps)
{
    struct decode_run *run = &instance->loop.run;
    assert(steps > 0 && steps <= run->steps);
    run->steps = 0;
    if (run->verifies) {
        draft_run_apply(instance, steps);
    } else {
        repeat(instance, run, steps);
    }
    tell_of_steps(instance, run, steps);
}
