/* Between two changes of a batch nothing is decided: each turn takes a decode in and forms the next
 * one like it. Step times are an arithmetic progression, so the turns are taken at once: the work
 * per request is that of one turn. */
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/serving/simulation_state.h"

enum { MOST_TURNS = 64 }; /* an attention price is held no longer */

/* The turns to take: turn j is at at_ps[j] and forms a step of gpu_ps[j]. */
struct stretch {
    uint32_t turns;
    uint32_t limit;                /* of turns, by what the engine decides */
    int64_t at_ps[MOST_TURNS + 1]; /* the last one is the turn after the stretch */
    int64_t first_gpu_ps;
    int64_t rise_ps; /* of the GPU time from one step to the next */
    int64_t launch_ps;
    int64_t lead_ps; /* synchronous engines: from a turn to the start of the step it forms */
};

static struct batch *in_flight(struct instance *instance, uint32_t k)
{
    return &instance->steps[(instance->oldest_step + k) % STEPS_IN_FLIGHT_MAXIMUM];
}

static struct batch *newest(struct instance *instance)
{
    return in_flight(instance, instance->steps_in_flight - 1);
}

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

static int64_t gpu_ps(const struct stretch *stretch, uint32_t turn)
{
    return stretch->first_gpu_ps + stretch->rise_ps * turn;
}

/* Prices the steps to form; false where launches and not the GPU set the pace. */
static bool price_stretch(struct simulation *simulation, struct stretch *stretch)
{
    struct instance *instance = &simulation->instance;
    const struct step_cost *cost = simulation->settings.cost;
    const struct attention_stretch *held = &instance->attention;
    struct batch_summary first = later_summary(&newest(instance)->summary, 1);
    struct batch_summary second = later_summary(&first, 1);
    struct step_price price = step_cost_price(cost, &first, held->price, held->noise);
    bool full_graph = first.cuda_graph == CUDA_GRAPH_FULL;
    bool has_slack = newest(instance)->end_ps - simulation->now_ps >= price.launch_ps;
    bool is_free = cost->launch_blocks_loop || instance->launch_done_ps <= simulation->now_ps;
    stretch->first_gpu_ps = price.gpu_ps;
    stretch->rise_ps =
        step_cost_price(cost, &second, held->price, held->noise).gpu_ps - price.gpu_ps;
    stretch->launch_ps = price.launch_ps;
    stretch->lead_ps = full_graph ? price.launch_ps : 0;
    if (price.gpu_ps <= 1 || stretch->rise_ps < 0 || !is_free) {
        return false;
    }
    if (instance->settings.async_scheduling) {
        return has_slack && price.gpu_ps >= price.launch_ps && price.gpu_ps >= cost->launch_tail_ps;
    }
    return instance->gpu_free_ps <= simulation->now_ps &&
           stretch->lead_ps + price.gpu_ps >= price.launch_ps + cost->launch_tail_ps;
}

/* Times of the turns, up to the next event or the limit. */
static void time_turns(struct simulation *simulation, struct stretch *stretch)
{
    struct instance *instance = &simulation->instance;
    const struct event *next = event_queue_first(&simulation->events);
    int64_t next_ps = next != NULL ? next->at_ps : INT64_MAX;
    bool async = instance->settings.async_scheduling;
    int64_t at_ps = simulation->now_ps;
    stretch->turns = 0;
    while (stretch->turns < stretch->limit && (stretch->turns == 0 || at_ps < next_ps)) {
        uint32_t turn = stretch->turns++;
        stretch->at_ps[turn] = at_ps;
        if (!async) {
            at_ps += stretch->lead_ps + gpu_ps(stretch, turn);
        } else if (turn == 0) {
            at_ps = newest(instance)->end_ps;
        } else {
            at_ps += gpu_ps(stretch, turn - 1);
        }
    }
    stretch->at_ps[stretch->turns] = at_ps;
}

/* What the client sees of one request: a token each turn. */
static void deliver(struct simulation *simulation, struct request *request,
                    const struct stretch *stretch, int64_t largest_gap_ps)
{
    int64_t overhead_ps = simulation->settings.cost->output_overhead_ps;
    int64_t first_ps = stretch->at_ps[0] + overhead_ps;
    uint32_t outputs = request_outputs(request);
    if (outputs == 0) {
        request->first_token_ps = first_ps;
    } else {
        int64_t gap_ps = first_ps - request->last_token_ps;
        request->max_itl_ps = ps_max(request->max_itl_ps, gap_ps);
        simulation_count_gaps(simulation, gap_ps, 1);
    }
    if (request->reasoning_tokens >= outputs &&
        request->reasoning_tokens - outputs < stretch->turns) {
        request->first_visible_ps =
            stretch->at_ps[request->reasoning_tokens - outputs] + overhead_ps;
    }
    request->max_itl_ps = ps_max(request->max_itl_ps, largest_gap_ps);
    request->last_token_ps = stretch->at_ps[stretch->turns - 1] + overhead_ps;
}

/* The gaps between the turns: the one to the step already in flight, then the steps formed here. */
static void count_gaps(struct simulation *simulation, const struct stretch *stretch)
{
    uint32_t requests = simulation->instance.running_count;
    uint32_t gaps = stretch->turns - 1;
    uint32_t odd = simulation->settings.engine.async_scheduling && gaps > 0 ? 1 : 0;
    if (odd > 0) {
        histogram_add(&simulation->itl, stretch->at_ps[1] - stretch->at_ps[0], requests);
    }
    if (gaps > odd) {
        histogram_add_progression(&simulation->itl, stretch->at_ps[1 + odd] - stretch->at_ps[odd],
                                  stretch->rise_ps, gaps - odd, requests);
    }
}

static void deliver_all(struct simulation *simulation, const struct stretch *stretch)
{
    struct instance *instance = &simulation->instance;
    int64_t largest_gap_ps = 0;
    for (uint32_t turn = 1; turn < stretch->turns; turn++) {
        largest_gap_ps = ps_max(largest_gap_ps, stretch->at_ps[turn] - stretch->at_ps[turn - 1]);
    }
    for (uint32_t i = 0; i < instance->running_count; i++) {
        deliver(simulation, &simulation->requests[instance->running[i]], stretch, largest_gap_ps);
    }
    count_gaps(simulation, stretch);
}

/* The state after each turn: a request takes a block when its computed tokens fill the last one. */
static void note_states(struct simulation *simulation, const struct stretch *stretch)
{
    const struct instance *instance = &simulation->instance;
    const struct kv_cache *cache = &instance->kv_cache;
    uint32_t crossings[MOST_TURNS] = {0};
    for (uint32_t i = 0; i < instance->running_count; i++) {
        uint32_t index = instance->running[i];
        uint64_t held = (uint64_t)cache->held_blocks[index] * cache->block_tokens;
        uint64_t turn = held - instance->requests[index].computed_tokens;
        for (; turn < stretch->turns; turn += cache->block_tokens) {
            crossings[turn]++;
        }
    }
    struct timeline_state state = simulation_state(simulation);
    for (uint32_t turn = 0; turn < stretch->turns; turn++) {
        state.used_blocks += crossings[turn];
        simulation->timeline.output_tokens += instance->running_count;
        timeline_set(&simulation->timeline, stretch->at_ps[turn], state);
    }
}

static void count_steps(struct simulation *simulation, const struct stretch *stretch)
{
    struct instance *instance = &simulation->instance;
    /* Context only grows: from some step on all are beyond what was measured. */
    uint32_t measured = 0;
    uint32_t beyond = stretch->turns;
    while (measured < beyond) {
        uint32_t middle = (measured + beyond) / 2;
        struct batch_summary summary = later_summary(&newest(instance)->summary, middle + 1);
        if (step_cost_is_extrapolated(simulation->settings.cost, &summary)) {
            beyond = middle;
        } else {
            measured = middle + 1;
        }
    }
    simulation->counts.extrapolated_steps += stretch->turns - measured;
    simulation->counts.decode_steps += stretch->turns;
    simulation->counts.events += stretch->turns - 1;
    simulation->steps_since_token = 1;
    instance->attention.steps -= stretch->turns;
}

/* The steps in flight become those of the last turns. */
static void advance_batches(struct simulation *simulation, const struct stretch *stretch)
{
    struct instance *instance = &simulation->instance;
    uint32_t turns = stretch->turns;
    for (uint32_t k = 0; k < instance->steps_in_flight; k++) {
        struct batch *batch = in_flight(instance, k);
        batch->summary = later_summary(&batch->summary, turns);
        for (uint32_t i = 0; i < batch->count; i++) {
            batch->entries[i].computed_before += turns;
        }
    }
    in_flight(instance, 0)->end_ps = stretch->at_ps[turns];
    if (instance->settings.async_scheduling) {
        newest(instance)->end_ps = stretch->at_ps[turns] + gpu_ps(stretch, turns - 1);
    }
    instance->gpu_free_ps = newest(instance)->end_ps;
    instance->launch_done_ps = stretch->at_ps[turns - 1] + stretch->launch_ps;
}

bool simulation_take_stretch(struct simulation *simulation)
{
    struct instance *instance = &simulation->instance;
    const struct simulation_hooks *hooks = &simulation->settings.hooks;
    struct stretch stretch;
    if (simulation->settings.stepwise || hooks->next_turn_ps != NULL || hooks->on_forming != NULL ||
        instance->attention.requests != instance->running_count || instance->attention.steps < 2) {
        return false;
    }
    stretch.limit = instance->preset->repeating_turns(instance, instance->attention.steps);
    if (stretch.limit < 2 || !price_stretch(simulation, &stretch)) {
        return false;
    }
    time_turns(simulation, &stretch);
    deliver_all(simulation, &stretch);
    note_states(simulation, &stretch);
    count_steps(simulation, &stretch);
    advance_batches(simulation, &stretch);
    instance->preset->repeat_turns(instance, stretch.turns);
    simulation->now_ps = stretch.at_ps[stretch.turns - 1];
    event_queue_push(&simulation->events,
                     (struct event){.at_ps = stretch.at_ps[stretch.turns], .type = EVENT_STEP_END});
    return true;
}
