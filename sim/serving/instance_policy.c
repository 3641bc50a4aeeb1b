#include "sim/serving/instance_policy.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/serving/instance.h"
#include "sim/serving/policy_view.h"

static const struct scheduling_policy *policy_of(const struct instance *instance)
{
    return instance->config->policy;
}

/* The first wrong answer ends the run. */
static void fail(struct instance *instance, const char *answer, const char *expected, double found)
{
    struct step_record *record = instance->account.record;
    if (record != NULL && !record->has_failed) {
        record->has_failed = true;
        (void)error_set(&record->failure, "scheduling policy '%s': '%s' must return %s, got %g",
                        policy_of(instance)->name, answer, expected, found);
    }
}

/* A key that is no number is 0. */
static double ask_key(struct instance *instance, const struct policy_view *view,
                      const struct policy_request *request)
{
    double key = policy_of(instance)->key(instance->policy.state, view, request);
    if (isnan(key)) {
        fail(instance, "key", "a number", key);
        return 0;
    }
    return key;
}

/* A preempted one leaves in the middle of a step: no block counts as free then. */
static struct request_order order_of(struct instance *instance, uint32_t request)
{
    struct policy_view view = policy_view_of(instance);
    if (instance->requests[request].preemptions > 0) {
        view.free_blocks = 0;
    }
    const struct policy_request seen = policy_view_request(instance, request);
    return (struct request_order){
        .key = ask_key(instance, &view, &seen), .sent_ps = seen.sent_ps, .id = seen.id};
}

void instance_policy_enqueue(struct instance *instance, uint32_t request)
{
    struct request_queue *waiting = &instance->waiting;
    bool preempted = instance->requests[request].status == REQUEST_PREEMPTED;
    if (!preempted) {
        request_become(&instance->requests[request], REQUEST_WAITING);
    }
    if (waiting->orders != NULL) {
        request_queue_insert(waiting, request, order_of(instance, request));
    } else if (preempted) {
        request_queue_push_front(waiting, request);
    } else {
        request_queue_push_back(waiting, request);
    }
}

void instance_policy_tell(struct instance *instance, enum policy_event event, uint32_t request)
{
    struct policy_seat *seat = &instance->policy;
    const struct scheduling_policy *policy = policy_of(instance);
    if (!seat->listens) {
        return;
    }
    seat->has_news = true;
    seat->admission.is_asked = false;
    if (policy->on_event != NULL) {
        const struct policy_view view = policy_view_of(instance);
        const struct policy_request seen = policy_view_request(instance, request);
        policy->on_event(seat->state, &view, event, &seen);
    }
}

void instance_policy_start(struct instance *instance, uint32_t request)
{
    instance_add_running(instance, request);
    instance_policy_tell(instance, POLICY_ADMISSION, request);
}

/* Whether the tokens that came last took it to its first or past a milestone. */
static bool is_at_milestone(const struct policy_seat *seat, const struct request *request,
                            uint32_t came)
{
    uint32_t outputs = request_outputs(request);
    uint32_t before = outputs - came;
    return seat->milestone_tokens > 0 &&
           (before == 0 || outputs / seat->milestone_tokens > before / seat->milestone_tokens);
}

static int by_id(const void *left, const void *right)
{
    const struct policy_news *a = left;
    const struct policy_news *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

static void note_news(struct instance *instance, size_t *count, uint32_t index, bool is_finished)
{
    struct policy_seat *seat = &instance->policy;
    seat->news = memory_grow(seat->news, &seat->news_capacity, *count + 1, sizeof seat->news[0]);
    seat->news[(*count)++] = (struct policy_news){index, instance->requests[index].id, is_finished};
}

/* A server learns how long answers are; one that only computes prompts does not see them. */
static void learn_lengths(struct instance *instance)
{
    for (uint32_t i = 0; !instance->prefills_only && i < instance->leaving.finished_count; i++) {
        const struct request *request = &instance->requests[instance->leaving.finished[i]];
        length_history_add(&instance->policy.history, request->ask.dataset,
                           request_outputs(request));
    }
}

void instance_policy_tell_of_output(struct instance *instance, const struct batch *batch)
{
    struct policy_seat *seat = &instance->policy;
    size_t count = 0;
    if (policy_view_predicts(instance)) {
        learn_lengths(instance);
    }
    for (uint32_t i = 0; seat->milestone_tokens > 0 && i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        const struct request *request = &instance->requests[entry->request];
        if (entry->samples && request->status != REQUEST_FINISHED &&
            is_at_milestone(seat, request, 1 + entry->accepted)) {
            note_news(instance, &count, entry->request, false);
        }
    }
    for (uint32_t i = 0; seat->listens && i < instance->leaving.finished_count; i++) {
        note_news(instance, &count, instance->leaving.finished[i], true);
    }
    if (count > 1) {
        qsort(seat->news, count, sizeof seat->news[0], by_id);
    }
    for (size_t i = 0; i < count; i++) {
        instance_policy_tell(instance, seat->news[i].is_finished ? POLICY_FINISH : POLICY_MILESTONE,
                             seat->news[i].request);
    }
}

bool instance_policy_admits(struct instance *instance, uint32_t request)
{
    const struct scheduling_policy *policy = policy_of(instance);
    struct policy_admission *admission = &instance->policy.admission;
    if (policy->admits == NULL || instance->running_count == 0) {
        return true;
    }
    if (!admission->is_asked || admission->request != request) {
        const struct policy_view view = policy_view_of(instance);
        const struct policy_request seen = policy_view_request(instance, request);
        *admission = (struct policy_admission){
            .is_asked = true,
            .is_admitted = policy->admits(instance->policy.state, &view, &seen),
            .request = request};
    }
    return admission->is_admitted;
}

bool instance_policy_may_admit(const struct instance *instance, uint32_t request)
{
    const struct policy_admission *admission = &instance->policy.admission;
    return policy_of(instance)->admits == NULL || !admission->is_asked ||
           admission->request != request || admission->is_admitted;
}

bool instance_policy_has_news(const struct instance *instance)
{
    return instance->policy.has_news;
}

bool instance_policy_begin_pass(struct instance *instance)
{
    const struct scheduling_policy *policy = policy_of(instance);
    struct policy_seat *seat = &instance->policy;
    bool has_news = seat->has_news;
    seat->has_news = false;
    if (has_news && policy->chunk_tokens != NULL) {
        const struct policy_view view = policy_view_of(instance);
        seat->chunk_tokens = policy->chunk_tokens(seat->state, &view);
        if (seat->chunk_tokens == 0) {
            fail(instance, "chunk_tokens", "at least 1", 0);
            seat->chunk_tokens = 1;
        }
    }
    return has_news;
}

uint32_t instance_policy_chunk_tokens(const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    return settings->chunked_prefill ? instance->policy.chunk_tokens : settings->max_batch_tokens;
}

typedef double key_function(struct instance *instance, const struct policy_view *view,
                            const struct policy_request *request);

/* Position of the running request with the largest key; of equals the one sent last, then the one
 * admitted first. */
static uint32_t find_largest(struct instance *instance, const struct policy_view *view,
                             key_function *key_of, struct policy_request *ret_request)
{
    uint32_t largest = 0;
    assert(instance->running_count > 0);
    *ret_request = view->running(view, 0);
    double largest_key = key_of(instance, view, ret_request);
    for (uint32_t i = 1; i < instance->running_count; i++) {
        const struct policy_request one = view->running(view, i);
        double key = key_of(instance, view, &one);
        if (key > largest_key || (key == largest_key && one.sent_ps > ret_request->sent_ps)) {
            *ret_request = one;
            largest_key = key;
            largest = i;
        }
    }
    return largest;
}

bool instance_policy_displaced(struct instance *instance, uint32_t *ret_request)
{
    const struct scheduling_policy *policy = policy_of(instance);
    if (policy->displaces == NULL || policy->key == NULL || instance->waiting.count == 0 ||
        instance->running_count == 0) {
        return false;
    }
    struct policy_request worst;
    const struct policy_view view = policy_view_of(instance);
    *ret_request = instance->running[find_largest(instance, &view, ask_key, &worst)];
    const struct policy_request head =
        policy_view_request(instance, request_queue_at(&instance->waiting, 0));
    return policy->displaces(instance->policy.state, &view, &head, &worst);
}

static double victim_key(struct instance *instance, const struct policy_view *view,
                         const struct policy_request *request)
{
    switch (instance->config->victims) {
    case VICTIM_NEWEST:
        return 0;
    case VICTIM_MOST_KV:
        return request->held_blocks;
    case VICTIM_LEAST_PROGRESS:
        return -(double)request->output_tokens;
    case VICTIM_LONGEST:
        return request->predicted_tokens - request->output_tokens;
    case VICTIM_OF_POLICY:
        break;
    }
    double key = policy_of(instance)->victim_key(instance->policy.state, view, request);
    if (isnan(key)) {
        fail(instance, "victim_key", "a number", key);
        return 0;
    }
    return key;
}

bool instance_policy_has_victims(const struct instance *instance)
{
    return policy_of(instance)->victim_key != NULL || instance->config->victims != VICTIM_OF_POLICY;
}

uint32_t instance_policy_victim(struct instance *instance)
{
    assert(instance->running_count > 0);
    if (!instance_policy_has_victims(instance)) {
        return instance->running_count - 1;
    }
    struct policy_request worst;
    struct policy_view view = policy_view_of(instance);
    view.free_blocks = 0;
    return find_largest(instance, &view, victim_key, &worst);
}

uint64_t instance_policy_steps(const struct instance *instance, const struct request *request,
                               uint64_t most)
{
    uint32_t milestone = instance->policy.milestone_tokens;
    if (milestone == 0) {
        return most;
    }
    uint64_t steps = milestone - request_outputs(request) % milestone - 1;
    return steps < most ? steps : most;
}
