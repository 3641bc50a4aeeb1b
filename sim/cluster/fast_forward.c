/* Between two changes of a batch nothing is decided: each step takes a decode in and forms the next
 * one like it. Step times are an arithmetic progression, so the steps are taken at once: at the
 * price of one where the requests are kept together (decode_group.h), at that of a walk over them
 * where they are not (uniform_decodes.h). */
#include "sim/cluster/simulation_state.h"
#include "sim/serving/uniform_decodes.h"

struct stretch {
    bool of_decode_group;
    uint64_t steps;
    uint64_t max_steps; /* for which the times hold */
    struct step_times times;
    struct batch_summary before; /* of the newest step in flight */
    struct periodic_growth growth;
    int64_t launch_ps;
    int64_t delay_ps;    /* from a step to its tokens at the client */
    int64_t last_gpu_ps; /* of the step that the last step forms */
};

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
           summary->decode_requests == instance->running_count && summary->draft_tokens == 0 &&
           !(instance->waiting.count > 0 && instance->config->preset->admits_waiting(instance));
}

/* True when the price of attention holds on and all that runs decodes. */
static bool only_decodes(const struct simulation *simulation, struct stretch *stretch)
{
    struct instance *instance = simulation->instance;
    if (instance->attention.steps < 2 || instance->steps_in_flight == 0 ||
        instance->steps_in_flight != instance_steps_limit(instance) ||
        instance->attention.requests != instance_newest_step(instance)->summary.decode_requests) {
        return false;
    }
    stretch->of_decode_group = is_decode_group_alone(instance);
    return stretch->of_decode_group ||
           (simulation->takes_walked && uniform_decodes_are_all(instance));
}

/* Steps one at a time: a gap is the host's part and the GPU's, or the launch and what follows it
 * where that takes longer. */
static void time_single_steps(struct stretch *stretch, int64_t lead_ps, int64_t rise_ps,
                              int64_t tail_ps)
{
    int64_t launched_ps = stretch->launch_ps + tail_ps;
    int64_t first_ps = lead_ps + stretch->last_gpu_ps;
    if (first_ps >= launched_ps) {
        stretch->times.first_gap_ps = first_ps;
        stretch->times.gap_ps = first_ps + rise_ps;
        stretch->times.rise_ps = rise_ps;
        return;
    }
    stretch->times.first_gap_ps = launched_ps;
    stretch->times.gap_ps = launched_ps;
    stretch->times.rise_ps = 0;
    stretch->max_steps =
        rise_ps > 0 ? (uint64_t)((launched_ps - first_ps) / rise_ps) + 1 : UINT64_MAX;
}

/* Prices the steps to form; false where two are in flight and launches, not the GPU, set the pace.
 */
static bool price_stretch(struct simulation *simulation, struct stretch *stretch)
{
    struct instance *instance = simulation->instance;
    const struct step_cost *cost = simulation->instance->config->cost;
    const struct attention_stretch *held = &instance->attention;
    struct batch_summary first = later_summary(&stretch->before, 1);
    struct step_price price = step_cost_price(cost, &first, held->price, held->noise);
    int64_t rise_ps = step_cost_rise_ps(&first, held->price, held->noise);
    int64_t host_ps = simulation_host_ps(simulation, instance_newest_step(instance));
    int64_t launch_ps = host_ps + price.launch_ps;
    int64_t now_ps = simulation->now_ps;
    bool is_free = cost->host.launch_blocks_loop || instance->clock.launch_done_ps <= now_ps;
    stretch->max_steps = UINT64_MAX;
    stretch->launch_ps = launch_ps;
    stretch->last_gpu_ps = price.gpu_ps;
    stretch->delay_ps =
        cost->host.output_overhead_ps + (instance_takes_tokens_early(instance) ? launch_ps : 0);
    stretch->times = (struct step_times){.first_ps = now_ps, .rise_ps = rise_ps};
    if (price.gpu_ps <= 1 || rise_ps < 0 || !is_free) {
        return false;
    }
    if (instance_steps_limit(instance) > 1) {
        int64_t wait_ps = instance_newest_step(instance)->end_ps - now_ps;
        stretch->times.first_gap_ps = wait_ps;
        stretch->times.gap_ps = price.gpu_ps;
        return wait_ps >= price.launch_ps && price.gpu_ps >= price.launch_ps &&
               price.gpu_ps >= cost->host.launch_tail_ps;
    }
    int64_t lead_ps = first.cuda_graph == CUDA_GRAPH_FULL ? launch_ps : host_ps;
    time_single_steps(stretch, lead_ps, rise_ps, cost->host.launch_tail_ps);
    return instance->clock.gpu_free_ps <= now_ps;
}

/* Turns up to the next event, change of the batch, or price of attention. */
static uint64_t count_repeated_steps(const struct simulation *simulation, struct stretch *stretch)
{
    struct instance *instance = simulation->instance;
    const struct event *next = event_queue_first(&simulation->events);
    uint64_t most = instance->attention.steps;
    int64_t end_ps = ps_from_s(MAX_TIME_S);
    if (next != NULL) {
        end_ps = ps_min(end_ps, next->at_ps);
    }
    most = most < stretch->max_steps ? most : stretch->max_steps;
    if (stretch->of_decode_group) {
        most = decode_group_steps(instance, most);
        stretch->growth = decode_group_growth(&instance->decode_group);
    } else {
        most = uniform_decodes_steps(instance, most, &stretch->growth);
    }
    return most < 2 ? most : step_times_before(&stretch->times, end_ps, most);
}

/* Gaps between the tokens of the stretch: requests that sample all get theirs together. */
static void count_gaps(struct simulation *simulation, const struct stretch *stretch)
{
    struct histogram *itl = &simulation->itl;
    const struct step_times *times = &stretch->times;
    uint64_t requests = stretch->growth.members;
    if (requests == 0) {
        return;
    }
    histogram_add(itl, times->first_gap_ps, requests);
    if (stretch->steps > 2) {
        histogram_add_progression(itl, times->gap_ps, times->rise_ps, stretch->steps - 2, requests);
    }
}

/* Each request of a decode group waited for the first token of the stretch as long as the others.
 */
static void repeat_decode_group(struct simulation *simulation, const struct stretch *stretch)
{
    struct decode_group *decode_group = &simulation->instance->decode_group;
    int64_t seen_ps = stretch->times.first_ps + stretch->delay_ps;
    histogram_add(&simulation->itl, seen_ps - decode_group->last_token_ps, stretch->growth.members);
    decode_group_repeat(simulation->instance, &stretch->times, stretch->steps, stretch->delay_ps);
}

/* The state after each scheduling pass: blocks are taken as requests fill theirs. Where tokens are
 * taken early, those of a step are counted by the next. */
static void note_states(struct simulation *simulation, const struct stretch *stretch)
{
    struct timeline_state state = simulation_state(simulation);
    if (instance_takes_tokens_early(simulation->instance)) {
        state.output_tokens -= stretch->growth.members;
    }
    timeline_repeat(&simulation->timeline, &stretch->times, stretch->steps, state,
                    &stretch->growth);
}

static void count_steps(struct simulation *simulation, const struct stretch *stretch)
{
    const struct step_cost *cost = simulation->instance->config->cost;
    /* Context only grows: from some step on all are beyond what was measured. */
    uint64_t measured = 0;
    uint64_t beyond = stretch->steps;
    struct batch_summary last = later_summary(&stretch->before, stretch->steps);
    if (!step_cost_is_extrapolated(cost, &last)) {
        measured = beyond;
    }
    while (measured < beyond) {
        uint64_t middle = (measured + beyond) / 2;
        struct batch_summary summary = later_summary(&stretch->before, middle + 1);
        if (step_cost_is_extrapolated(cost, &summary)) {
            beyond = middle;
        } else {
            measured = middle + 1;
        }
    }
    simulation->counts.extrapolated_steps += stretch->steps - measured;
    simulation->counts.decode_steps += stretch->steps;
    simulation->output_tokens += stretch->steps * stretch->growth.members;
    simulation->counts.events += stretch->steps - 1;
    simulation->steps_since_token = stretch->growth.members == 0
                                        ? simulation->steps_since_token + stretch->steps
                                    : instance_takes_tokens_early(simulation->instance) ? 0
                                                                                        : 1;
    simulation->instance->attention.steps -= (uint32_t)stretch->steps;
}

/* The steps in flight become those of the last steps. */
static void advance_steps(struct simulation *simulation, const struct stretch *stretch)
{
    struct instance *instance = simulation->instance;
    struct batch *oldest = instance_step(instance, 0);
    int64_t last_ps = step_times_at(&stretch->times, stretch->steps - 1);
    int64_t next_ps = step_times_at(&stretch->times, stretch->steps);
    oldest->summary = later_summary(&stretch->before, stretch->steps - 1);
    oldest->end_ps = next_ps;
    if (instance_steps_limit(instance) > 1) {
        instance_newest_step(instance)->end_ps =
            next_ps + stretch->last_gpu_ps + stretch->times.rise_ps * (int64_t)(stretch->steps - 1);
    }
    instance_newest_step(instance)->summary = later_summary(&stretch->before, stretch->steps);
    instance->clock.gpu_free_ps = instance_newest_step(instance)->end_ps;
    instance->clock.launch_done_ps = last_ps + stretch->launch_ps;
    instance->finished_count = 0;
    simulation->now_ps = last_ps;
    event_queue_push(&simulation->events, (struct event){.at_ps = next_ps, .type = EVENT_STEP_END});
}

bool simulation_take_stretch(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    struct stretch stretch = {0};
    if (!only_decodes(simulation, &stretch)) {
        return false;
    }
    stretch.before = instance_newest_step(instance)->summary;
    if (!price_stretch(simulation, &stretch)) {
        return false;
    }
    stretch.steps = count_repeated_steps(simulation, &stretch);
    if (stretch.steps < 2) {
        return false;
    }
    note_states(simulation, &stretch);
    count_steps(simulation, &stretch);
    count_gaps(simulation, &stretch);
    if (stretch.of_decode_group) {
        repeat_decode_group(simulation, &stretch);
    } else {
        uniform_decodes_repeat(instance, &stretch.times, stretch.steps, &stretch.growth,
                               stretch.delay_ps, &simulation->itl);
    }
    advance_steps(simulation, &stretch);
    return true;
}
