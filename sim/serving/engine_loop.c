#include "sim/serving/engine_loop.h"

#include <assert.h>

#include "sim/base/units.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/fast_forward.h"
#include "sim/serving/instance.h"
#include "sim/serving/instance_policy.h"
#include "sim/serving/step_pricing.h"

/* Each request of the instance is running or waits: those swapped out wait too. */
static void note_requests(struct instance *instance, int64_t now_ps)
{
    uint32_t waiting = (uint32_t)(instance->waiting.count + instance->swapped.count);
    timeline_set_requests(&instance->account.record->timeline, instance->account.number, now_ps,
                          instance->running_count, waiting);
}

static void note_state(struct instance *instance, int64_t now_ps)
{
    struct timeline *timeline = &instance->account.record->timeline;
    note_requests(instance, now_ps);
    timeline_set_usage(timeline, instance->account.number, now_ps, instance_usage(instance));
}

static void count_step(struct instance *instance, const struct batch *batch)
{
    struct step_counts *counts = &instance->account.record->counts;
    counts->preemptions += batch->preempted_count;
    instance->account.steps_since_token++;
    if (batch_is_empty(batch)) {
        return;
    }
    if (batch->summary.prefill_requests > 0) {
        counts->mixed_steps++;
    } else {
        counts->decode_steps++;
    }
    counts->draft_tokens += batch->summary.draft_tokens;
    counts->accepted_drafts += batch->drafts.accepted;
    counts->verifications += batch->drafts.verifications;
    counts->extrapolated_steps +=
        step_cost_is_extrapolated(instance->config->cost, &batch->summary);
}

static void tell_of_schedule(const struct instance *instance, const struct batch *batch,
                             int64_t now_ps)
{
    const struct observer_list *list = &instance->account.record->observers;
    for (size_t o = 0; o < list->count; o++) {
        const struct observer *observer = &list->observers[o];
        for (uint32_t i = 0; observer->on_preempt != NULL && i < batch->preempted_count; i++) {
            observer->on_preempt(observer->state, instance,
                                 &instance->requests[batch->preempted[i]], now_ps);
        }
        if (observer->on_schedule != NULL) {
            observer->on_schedule(observer->state, instance, batch, now_ps);
        }
    }
}

static void tell_of_step(const struct instance *instance, const struct batch *batch, int64_t now_ps)
{
    const struct observer_list *list = &instance->account.record->observers;
    for (size_t o = 0; o < list->count; o++) {
        if (list->observers[o].on_step != NULL) {
            list->observers[o].on_step(list->observers[o].state, instance, batch, now_ps);
        }
    }
}

/* The scheduler's decision, now. */
static struct batch *schedule(struct instance *instance, int64_t now_ps, struct loop_result *result)
{
    struct batch *batch = instance_step(instance, instance->loop.steps_in_flight);
    instance->leaving.refused_count = 0;
    instance->config->preset->schedule(instance, batch);
    instance->loop.steps_in_flight++;
    result->refused = instance->leaving.refused;
    result->refused_count = instance->leaving.refused_count;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = &instance->requests[batch->entries[i].request];
        if (request->clock.first_scheduled_ps == TIME_NONE) {
            request->clock.first_scheduled_ps = now_ps;
        }
    }
    for (uint32_t i = 0; i < batch->preempted_count; i++) {
        instance_policy_tell(instance, POLICY_PREEMPTION, batch->preempted[i]);
    }
    count_step(instance, batch);
    note_state(instance, now_ps);
    tell_of_schedule(instance, batch, now_ps);
    return batch;
}

static void wait_for(struct loop_result *result, enum event_type next, int64_t next_ps)
{
    result->waits = true;
    result->next = next;
    result->next_ps = next_ps;
}

/* The loop schedules again as soon as the launch returns if there is room for another step in
 * flight, else it waits for the oldest. */
static void wait_after(const struct instance *instance, const struct batch *batch, int64_t now_ps,
                       struct loop_result *result)
{
    int64_t returned_ps = instance->config->cost->host.launch_blocks_loop && !batch_is_empty(batch)
                              ? instance->pricing.clock.launch_done_ps
                              : now_ps;
    if (!batch_is_empty(batch) && instance->loop.steps_in_flight < instance_steps_limit(instance)) {
        wait_for(result, EVENT_LAUNCH_DONE, returned_ps);
    } else {
        int64_t end_ps = instance->loop.steps[instance->loop.oldest_step].end_ps;
        wait_for(result, EVENT_STEP_END, ps_max(end_ps, returned_ps));
    }
}

/* One iteration of the loop. */
static void iterate(struct instance *instance, int64_t now_ps, struct loop_result *result)
{
    instance->loop.is_busy = true;
    if (instance_has_work(instance)) {
        struct batch *batch = schedule(instance, now_ps, result);
        step_pricing_price(instance, batch, now_ps);
        wait_after(instance, batch, now_ps, result);
    } else if (instance->loop.steps_in_flight > 0) {
        wait_for(result, EVENT_STEP_END, instance->loop.steps[instance->loop.oldest_step].end_ps);
    } else {
        instance->loop.is_busy = false;
        note_state(instance, now_ps);
    }
}

/* Tokens delivered together form one chunk of the stream, so they count as one gap. */
static void deliver_tokens(struct instance *instance, struct request *request, uint32_t count,
                           uint32_t already_known, int64_t at_ps)
{
    struct request_clock *clock = &request->clock;
    uint32_t before = request_outputs(request) - already_known;
    uint32_t reasoning = request->truth.reasoning_tokens;
    if (before == 0) {
        clock->first_token_ps = at_ps;
    } else {
        int64_t gap_ps = at_ps - clock->last_token_ps;
        clock->max_itl_ps = ps_max(clock->max_itl_ps, gap_ps);
        histogram_add(&instance->account.record->itl, gap_ps, 1);
    }
    if (before <= reasoning && before + count > reasoning) {
        clock->first_visible_ps = at_ps;
    }
    clock->last_token_ps = at_ps;
    instance->account.output_tokens += count;
    instance->account.steps_since_token = 0;
}

static void deliver_to_decode_group(struct instance *instance, int64_t at_ps)
{
    struct decode_group *decode_group = &instance->decode_group;
    uint32_t members = decode_group_count(decode_group);
    if (members > 0) {
        instance->account.output_tokens += decode_group_tokens(decode_group);
        int64_t gap_ps = decode_group_deliver(decode_group, instance, at_ps);
        histogram_add(&instance->account.record->itl, gap_ps, members);
        instance->account.steps_since_token = 0;
    }
}

/* The client sees the tokens of a step. */
static void deliver(struct instance *instance, const struct batch *batch, int64_t seen_ps)
{
    deliver_to_decode_group(instance, seen_ps);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        if (entry->samples && !instance->prefills_only) {
            struct request *request = &instance->requests[entry->request];
            uint32_t left = instance_tokens_left(instance, request) + batch->is_taken;
            uint32_t count = 1 + entry->accepted;
            deliver_tokens(instance, request, left < count ? left : count, batch->is_taken,
                           seen_ps);
        }
    }
}

/* Of the step that has ended. */
static uint64_t count_tokens(const struct instance *instance, const struct batch *batch)
{
    uint64_t tokens = 0;
    if (decode_group_count(&instance->decode_group) > 0) {
        tokens = decode_group_tokens(&instance->decode_group);
    }
    for (uint32_t i = 0; i < batch->count && !instance->prefills_only; i++) {
        tokens += batch->entries[i].samples ? 1 + batch->entries[i].accepted : 0;
    }
    return tokens;
}

/* The tokens go to the client, and the engine takes them in. */
static void apply_tokens(struct instance *instance, struct batch *batch, int64_t now_ps,
                         struct loop_result *result)
{
    int64_t ready_ps = now_ps;
    if (batch->is_taken) {
        ready_ps = ps_max(ready_ps, instance->pricing.clock.launch_done_ps); /* of the next step */
    }
    result->seen_ps = step_pricing_pass_on(instance, count_tokens(instance, batch), ready_ps);
    deliver(instance, batch, result->seen_ps);
    instance->config->preset->process_output(instance, batch);
    instance_policy_tell_of_output(instance, batch);
    result->finished = instance->leaving.finished;
    result->finished_count = instance->leaving.finished_count;
    if (instance->prefills_only && instance->leaving.finished_count > 0) {
        instance->account.steps_since_token = 0;
    }
    tell_of_step(instance, batch, now_ps);
}

struct loop_result engine_loop_on_request(struct instance *instance, uint32_t request,
                                          int64_t now_ps)
{
    struct loop_result result = {.waits = false};
    assert(instance->loop.run.steps == 0);
    instance->policy.now_ps = now_ps;
    instance_policy_enqueue(instance, request);
    instance_policy_tell(instance, POLICY_ARRIVAL, request);
    note_requests(instance, now_ps); /* a long step may go on meanwhile */
    if (!instance->loop.is_busy) {
        instance->loop.is_busy = true;
        wait_for(&result, EVENT_LAUNCH_DONE, now_ps + step_pricing_idle_start_ps(instance));
    }
    return result;
}

struct loop_result engine_loop_on_launch_done(struct instance *instance, int64_t now_ps)
{
    struct loop_result result = {.waits = false};
    instance->policy.now_ps = now_ps;
    iterate(instance, now_ps, &result);
    return result;
}

/* Waits for the end of the planned steps. Running and waiting requests stay as they are until then,
 * or until something reaches the instance. */
static void start_run(struct instance *instance, int64_t now_ps, struct loop_result *result)
{
    const struct decode_run *run = &instance->loop.run;
    note_requests(instance, now_ps);
    wait_for(result, EVENT_STEP_END, decode_run_step_ps(run, run->steps));
}

struct loop_result engine_loop_on_step_end(struct instance *instance, int64_t now_ps)
{
    struct loop_result result = {.waits = false};
    instance->policy.now_ps = now_ps;
    if (instance->loop.run.steps > 0) {
        fast_forward_apply(instance, instance->loop.run.steps);
    }
    decode_group_release(instance);
    if (fast_forward_plan(instance, now_ps)) {
        start_run(instance, now_ps, &result);
        return result;
    }
    struct batch *batch = instance_step(instance, 0);
    instance->loop.oldest_step = (instance->loop.oldest_step + 1) % MAX_STEPS_IN_FLIGHT;
    instance->loop.steps_in_flight--;
    if (instance_takes_tokens_early(instance)) {
        instance->config->preset->take_tokens(instance, batch);
        iterate(instance, now_ps, &result);
        apply_tokens(instance, batch, now_ps, &result);
        return result;
    }
    apply_tokens(instance, batch, now_ps, &result);
    int64_t seen_ps = result.seen_ps;
    iterate(instance, now_ps, &result);
    decode_group_gather(instance, seen_ps);
    return result;
}

struct loop_result engine_loop_catch_up(struct instance *instance, int64_t end_ps)
{
    struct loop_result result = {.waits = false};
    const struct decode_run *run = &instance->loop.run;
    if (run->steps > 0) {
        fast_forward_apply(instance, decode_run_steps_before(run, end_ps));
        wait_for(&result, EVENT_STEP_END, instance_step(instance, 0)->end_ps);
    }
    return result;
}

uint32_t engine_loop_restart(struct instance *instance, uint32_t *ret_requests, int64_t now_ps)
{
    uint32_t count = 0;
    assert(instance->loop.run.steps == 0);
    decode_group_write_back(instance);
    for (uint32_t i = 0; i < instance->running_count; i++) {
        ret_requests[count++] = instance->running[i];
    }
    while (instance->swapped.count > 0) {
        ret_requests[count++] = request_queue_pop_front(&instance->swapped);
    }
    while (instance->waiting.count > 0) {
        ret_requests[count++] = request_queue_pop_front(&instance->waiting);
    }
    for (uint32_t i = 0; i < count; i++) {
        request_evict(&instance->requests[ret_requests[i]]);
    }
    instance_restart(instance);
    note_state(instance, now_ps);
    return count;
}

bool engine_loop_is_stalled(const struct instance *instance)
{
    return instance->account.steps_since_token > instance->account.patience_steps;
}
