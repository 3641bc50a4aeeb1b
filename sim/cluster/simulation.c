#include "sim/cluster/simulation.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/cluster/kv_transfer.h"
#include "sim/cluster/router.h"
#include "sim/cluster/simulation_state.h"
#include "sim/serving/engine_loop.h"
#include "sim/serving/step_pricing.h"

void simulation_push(struct simulation *simulation, int64_t at_ps, enum event_type type,
                     uint32_t subject)
{
    event_queue_push(&simulation->events,
                     (struct event){.at_ps = at_ps, .type = type, .subject = subject});
}

/* The instance waits for another event than before, whose epoch is over. */
static void push_of_instance(struct simulation *simulation, int64_t at_ps, enum event_type type,
                             uint32_t number)
{
    uint32_t epoch = ++simulation->cluster.nodes[number].epoch;
    event_queue_push(
        &simulation->events,
        (struct event){.at_ps = at_ps, .type = type, .subject = number, .epoch = epoch});
}

/* Nobody refers to the request any more. */
static void forget(struct simulation *simulation, uint32_t place)
{
    const struct request *request = &simulation->requests.requests[place];
    const struct observer_list *list = &simulation->record.observers;
    run_tally_add(&simulation->tally, request);
    for (size_t i = 0; i < list->count; i++) {
        if (list->observers[i].on_finish != NULL) {
            list->observers[i].on_finish(list->observers[i].state, request, simulation->now_ps);
        }
    }
    if (simulation->feed.done != NULL) {
        simulation->feed.done(simulation->feed.context, request);
    }
    request_table_give_back(&simulation->requests, place);
}

static uint32_t take_place(struct simulation *simulation)
{
    struct request_table *table = &simulation->requests;
    uint32_t before = table->count;
    uint32_t place = request_table_take(table);
    if (table->count > before) {
        cluster_set_requests(&simulation->cluster, table->requests, table->count);
    }
    return place;
}

/* Lets the client send what it wants to send now; requests reach the engine a little later. */
static void send_requests(struct simulation *simulation, int64_t client_now_ps, uint32_t answered)
{
    const struct instance_config *front = simulation->settings.groups[0].config;
    struct client *client = &simulation->client;
    struct intake *intake = &simulation->intake;
    uint32_t wanted = client_wants(client, answered);
    struct request request;
    while (wanted-- > 0 && simulation->feed.next(simulation->feed.context, &request)) {
        request_begin(&request, (uint32_t)intake->sent++);
        if (client->settings.kind != CLIENT_OPEN) {
            request.ask.sent_ps = client_now_ps;
        }
        intake->first_sent_ps = intake->sent == 1 ? request.ask.sent_ps : intake->first_sent_ps;
        uint32_t place = take_place(simulation);
        simulation->requests.requests[place] = request;
        client_sent(client);
        intake->free_ps =
            ps_max(intake->free_ps, request.ask.sent_ps) + front->engine.host.intake_ps;
        simulation_push(simulation, intake->free_ps + front->cost->host.request_overhead_ps,
                        EVENT_REQUEST_ARRIVAL, place);
    }
}

/* Somebody wants to see or to time each step. */
static bool needs_each_step(const struct simulation_settings *settings)
{
    bool needed = settings->stepwise || settings->pace.next_iteration_ps != NULL;
    for (size_t i = 0; i < settings->observers.count; i++) {
        needed = needed || observer_needs_each_step(&settings->observers.observers[i]);
    }
    return needed;
}

static void create_cluster(struct simulation *simulation)
{
    const struct simulation_settings *settings = &simulation->settings;
    struct cluster *cluster = &simulation->cluster;
    bool may_repeat = !needs_each_step(settings);
    cluster_init(cluster, settings->groups, settings->group_count);
    timeline_init(&simulation->record.timeline, settings->timeline_interval_ps, cluster->count);
    simulation->record.timeline.samples.sink = settings->timeline_sink;
    simulation->record.observers = settings->observers;
    for (uint32_t i = 0; i < cluster->count; i++) {
        instance_join_run(&cluster->instances[i], &simulation->record, i, may_repeat);
        if (settings->earlier_answers != NULL) {
            length_history_copy(&cluster->instances[i].policy.history, settings->earlier_answers);
        }
        if (settings->noise) {
            step_pricing_draw_noise(&cluster->instances[i].pricing, settings->seed, i);
        }
    }
}

/* No longer on the instance. */
static void leave(struct simulation *simulation, struct cluster_node *node,
                  const uint32_t *requests, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cluster_node_remove(node, &simulation->requests.requests[requests[i]]);
    }
}

static struct simulation *create(const struct simulation_settings *settings)
{
    struct simulation *simulation = memory_zeroed(1, sizeof *simulation);
    simulation->settings = *settings;
    event_queue_init(&simulation->events);
    client_init(&simulation->client, &settings->client);
    create_cluster(simulation);
    request_queue_init(&simulation->held[REQUEST_NEEDS_PREFILL]);
    request_queue_init(&simulation->held[REQUEST_NEEDS_DECODE]);
    simulation_nodes_begin(simulation);
    router_init(&simulation->router, &settings->router, settings->seed);
    run_tally_init(&simulation->tally, &settings->slo,
                   settings->exact_limit > 0 ? settings->exact_limit : LATENCY_EXACT_LIMIT);
    simulation->step_end_ps = TIME_NONE;
    return simulation;
}

struct simulation *simulation_create_fed(const struct simulation_settings *settings,
                                         const struct request_feed *feed)
{
    struct simulation *simulation = create(settings);
    simulation->feed = *feed;
    send_requests(simulation, 0, 0);
    return simulation;
}

struct simulation *simulation_create(const struct simulation_settings *settings,
                                     struct request *requests, uint32_t request_count)
{
    struct simulation *simulation = create(settings);
    simulation->array = (struct request_array){.requests = requests, .count = request_count};
    simulation->feed = request_array_feed(&simulation->array);
    send_requests(simulation, 0, 0);
    return simulation;
}

void simulation_destroy(struct simulation *simulation)
{
    if (simulation != NULL) {
        event_queue_clear(&simulation->events);
        cluster_clear(&simulation->cluster);
        request_queue_clear(&simulation->held[REQUEST_NEEDS_PREFILL]);
        request_queue_clear(&simulation->held[REQUEST_NEEDS_DECODE]);
        outage_list_clear(&simulation->outages);
        timeline_clear(&simulation->record.timeline);
        run_tally_clear(&simulation->tally);
        request_table_clear(&simulation->requests);
        free(simulation);
    }
}

void simulation_reject(struct simulation *simulation, uint32_t place)
{
    simulation->counts.rejected++;
    forget(simulation, place);
    send_requests(simulation, simulation->now_ps, 1);
}

/* Requests whose prompts are done go on elsewhere. */
static void hand_over(struct simulation *simulation, struct cluster_node *node,
                      const struct loop_result *result)
{
    for (uint32_t i = 0; i < result->finished_count; i++) {
        struct request *request = &simulation->requests.requests[result->finished[i]];
        uint32_t tokens = request->ask.prompt_tokens;
        request_hand_over(request);
        int64_t arrived_ps = kv_transfer_send(node, tokens, simulation->now_ps);
        simulation_push(simulation, arrived_ps, EVENT_KV_ARRIVAL, result->finished[i]);
    }
}

/* The client has the answers, and sends what it then wants to. */
static void answer(struct simulation *simulation, const struct loop_result *result)
{
    simulation->counts.finished += result->finished_count;
    for (uint32_t i = 0; i < result->finished_count; i++) {
        forget(simulation, result->finished[i]);
    }
    send_requests(simulation, result->seen_ps, result->finished_count);
}

static void wait_for(struct simulation *simulation, uint32_t number,
                     const struct loop_result *result)
{
    const struct simulation_pace *pace = &simulation->settings.pace;
    int64_t at_ps = result->next_ps;
    if (pace->next_iteration_ps != NULL) {
        at_ps = pace->next_iteration_ps(pace->context, simulation->now_ps, at_ps);
    }
    push_of_instance(simulation, ps_max(simulation->now_ps, at_ps), result->next, number);
}

/* Requests leave an instance: they go on elsewhere, are answered or refused. */
static void part_with(struct simulation *simulation, uint32_t number,
                      const struct loop_result *result)
{
    struct cluster_node *node = &simulation->cluster.nodes[number];
    node->finished += result->finished_count;
    leave(simulation, node, result->finished, result->finished_count);
    leave(simulation, node, result->refused, result->refused_count);
    if (node->role == INSTANCE_PREFILL) {
        hand_over(simulation, node, result);
    } else if (result->finished_count > 0) {
        answer(simulation, result);
    }
    for (uint32_t i = result->refused_count; i-- > 0;) {
        simulation_reject(simulation, result->refused[i]);
    }
    simulation_node_left(simulation, number);
}

/* What the cluster makes of what happened on an instance. */
static void react(struct simulation *simulation, uint32_t number, const struct loop_result *result)
{
    if (result->waits) {
        wait_for(simulation, number, result);
    }
    if (result->finished_count > 0 || result->refused_count > 0) {
        part_with(simulation, number, result);
    }
}

/* What would have happened on the instance by now: all before the present, and at the
 * present the steps that end before, in the order of instances, the one that was handled last. */
void simulation_catch_up(struct simulation *simulation, uint32_t number)
{
    bool is_past =
        simulation->step_end_ps == simulation->now_ps && number < simulation->step_end_instance;
    struct loop_result result =
        engine_loop_catch_up(&simulation->cluster.instances[number], simulation->now_ps + is_past);
    react(simulation, number, &result);
}

/* The instance that takes the request, as it is now. */
static uint32_t route(struct simulation *simulation, uint32_t place, enum request_need need)
{
    struct router *router = &simulation->router;
    for (uint32_t i = 0; router_looks_at_blocks(router) && i < simulation->cluster.count; i++) {
        simulation_catch_up(simulation, i);
    }
    return router_choose(router, &simulation->cluster, &simulation->requests.requests[place], need);
}

/* A request goes to an instance, whose loop starts if it was idle. */
static void enqueue(struct simulation *simulation, uint32_t number, uint32_t place)
{
    struct instance *instance = &simulation->cluster.instances[number];
    const struct observer_list *list = &simulation->record.observers;
    simulation_catch_up(simulation, number);
    cluster_node_add(&simulation->cluster.nodes[number], &simulation->requests.requests[place]);
    for (size_t i = 0; i < list->count; i++) {
        if (list->observers[i].on_route != NULL) {
            list->observers[i].on_route(list->observers[i].state,
                                        &simulation->requests.requests[place], instance,
                                        simulation->now_ps);
        }
    }
    struct loop_result result = engine_loop_on_request(instance, place, simulation->now_ps);
    if (result.waits) {
        push_of_instance(simulation, result.next_ps, result.next, number);
    }
}

void simulation_place(struct simulation *simulation, uint32_t place, enum request_need need)
{
    struct request *request = &simulation->requests.requests[place];
    uint32_t number = route(simulation, place, need);
    if (number == simulation->cluster.count) {
        request_queue_push_back(&simulation->held[need], place);
    } else if (instance_refusal(&simulation->cluster.instances[number], request) != NULL) {
        request_become(request, REQUEST_REJECTED);
        simulation_reject(simulation, place);
    } else {
        enqueue(simulation, number, place);
    }
}

/* Requests in the system, those on their way aside; the one that comes now counts. */
static bool is_too_many(const struct simulation *simulation)
{
    uint64_t limit = simulation->settings.max_requests;
    uint64_t in_system = simulation->held[REQUEST_NEEDS_PREFILL].count + 1;
    for (uint32_t i = 0; limit > 0 && i < simulation->cluster.count; i++) {
        in_system += simulation->cluster.nodes[i].load.requests;
    }
    return limit > 0 && in_system > limit;
}

static void on_request_arrival(struct simulation *simulation, uint32_t place)
{
    const struct observer_list *list = &simulation->record.observers;
    if (simulation->settings.client.kind == CLIENT_OPEN) {
        send_requests(simulation, simulation->now_ps, 0);
    }
    struct request *request = &simulation->requests.requests[place];
    for (size_t i = 0; i < list->count; i++) {
        if (list->observers[i].on_arrival != NULL) {
            list->observers[i].on_arrival(list->observers[i].state, request, simulation->now_ps);
        }
    }
    if (is_too_many(simulation)) {
        request_become(request, REQUEST_REJECTED);
        simulation_reject(simulation, place);
        return;
    }
    simulation_place(simulation, place, REQUEST_NEEDS_PREFILL);
}

static void on_loop_event(struct simulation *simulation, const struct event *event)
{
    uint32_t number = event->subject;
    struct instance *instance = &simulation->cluster.instances[number];
    struct loop_result result;
    if (event->type == EVENT_STEP_END) {
        bool is_last =
            simulation->step_end_ps != simulation->now_ps || number > simulation->step_end_instance;
        simulation->step_end_instance = is_last ? number : simulation->step_end_instance;
        simulation->step_end_ps = simulation->now_ps;
        result = engine_loop_on_step_end(instance, simulation->now_ps);
    } else {
        result = engine_loop_on_launch_done(instance, simulation->now_ps);
    }
    react(simulation, number, &result);
    simulation->is_stalled = engine_loop_is_stalled(instance);
}

/* All steps that end at the present have ended. */
static void on_node_event(struct simulation *simulation, const struct event *event)
{
    simulation->step_end_ps = simulation->now_ps;
    simulation->step_end_instance = UINT32_MAX;
    if (event->type == EVENT_OUTAGE) {
        simulation_on_outage(simulation, event->subject);
    } else if (event->type == EVENT_RETURN) {
        simulation_on_return(simulation, event->subject);
    } else {
        simulation_on_scaling(simulation);
    }
}

static void handle(struct simulation *simulation, const struct event *event)
{
    switch (event->type) {
    case EVENT_REQUEST_ARRIVAL:
        on_request_arrival(simulation, event->subject);
        break;
    case EVENT_KV_ARRIVAL:
        simulation_place(simulation, event->subject, REQUEST_NEEDS_DECODE);
        break;
    case EVENT_LAUNCH_DONE:
    case EVENT_STEP_END:
        on_loop_event(simulation, event);
        break;
    case EVENT_OUTAGE:
    case EVENT_RETURN:
    case EVENT_SCALING:
        on_node_event(simulation, event);
        break;
    }
}

/* All requests that there will be are done: instances may come and go as they like. */
static bool is_over(const struct simulation *simulation)
{
    const struct simulation_counts *counts = &simulation->counts;
    return counts->finished + counts->rejected == simulation->intake.sent;
}

/* The next event that is not stale and matters. */
static bool pop(struct simulation *simulation, struct event *ret_event)
{
    while (event_queue_pop(&simulation->events, ret_event)) {
        bool of_instance =
            ret_event->type == EVENT_LAUNCH_DONE || ret_event->type == EVENT_STEP_END;
        bool matters = of_instance
                           ? ret_event->epoch == simulation->cluster.nodes[ret_event->subject].epoch
                           : ret_event->type < EVENT_OUTAGE || !is_over(simulation);
        if (matters) {
            return true;
        }
    }
    return false;
}

/* Samples are taken up to where no planned step can change them, now and then. */
static void take_samples(struct simulation *simulation)
{
    const struct cluster *cluster = &simulation->cluster;
    int64_t end_ps = simulation->now_ps;
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct decode_run *run = &cluster->instances[i].loop.run;
        end_ps = run->steps > 0 ? ps_min(end_ps, run->times.first_ps) : end_ps;
    }
    timeline_take_samples(&simulation->record.timeline, end_ps);
}

bool simulation_step(struct simulation *simulation)
{
    enum { MANY_SAMPLES = 4096 };
    struct event event;
    if (simulation->is_stalled || simulation->record.has_failed ||
        simulation_is_out_of_time(simulation) || !pop(simulation, &event)) {
        simulation_settle(simulation);
        return false;
    }
    assert(event.at_ps >= simulation->now_ps);
    simulation->now_ps = event.at_ps;
    simulation->counts.events++;
    handle(simulation, &event);
    if (simulation->record.timeline.samples.coming_count > MANY_SAMPLES) {
        take_samples(simulation);
    }
    return true;
}

void simulation_settle(struct simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->cluster.count; i++) {
        simulation_catch_up(simulation, i);
    }
    timeline_take_samples(&simulation->record.timeline, simulation->record.timeline.last_ps);
}

bool simulation_run_events(struct simulation *simulation, uint64_t limit)
{
    for (uint64_t i = 0; i < limit; i++) {
        if (!simulation_step(simulation)) {
            return false;
        }
    }
    return true;
}

void simulation_run(struct simulation *simulation)
{
    simulation_run_events(simulation, UINT64_MAX);
    assert(simulation->is_stalled || simulation->record.has_failed ||
           simulation_is_out_of_time(simulation) ||
           simulation->counts.finished + simulation->counts.rejected == simulation->intake.sent);
}

bool simulation_is_stalled(const struct simulation *simulation)
{
    return simulation->is_stalled;
}

const struct error *simulation_failure(const struct simulation *simulation)
{
    return simulation->record.has_failed ? &simulation->record.failure : NULL;
}

bool simulation_is_out_of_time(const struct simulation *simulation)
{
    return simulation->now_ps > ps_from_s(MAX_TIME_S);
}

int64_t simulation_now_ps(const struct simulation *simulation)
{
    return simulation->now_ps;
}

const struct simulation_counts *simulation_counts(const struct simulation *simulation)
{
    return &simulation->counts;
}

const struct step_counts *simulation_step_counts(const struct simulation *simulation)
{
    return &simulation->record.counts;
}

const struct timeline *simulation_timeline(const struct simulation *simulation)
{
    return &simulation->record.timeline;
}

const struct histogram *simulation_itl(const struct simulation *simulation)
{
    return &simulation->record.itl;
}
