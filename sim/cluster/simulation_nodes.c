/* Instances that fail, are drained, return, are started and stopped while a run goes on. */
#include <assert.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/cluster/simulation_state.h"
#include "sim/serving/engine_loop.h"

static struct cluster_node *node_of(struct simulation *simulation, uint32_t number)
{
    assert(number < simulation->cluster.count);
    return &simulation->cluster.nodes[number];
}

static void plan_outage(struct simulation *simulation, const struct outage *outage)
{
    struct outage_list *list = &simulation->outages;
    list->outages =
        memory_grow(list->outages, &list->capacity, list->count + 1, sizeof list->outages[0]);
    list->outages[list->count] = *outage;
    simulation_push(simulation, outage->from_ps, EVENT_OUTAGE, (uint32_t)list->count++);
}

/* The instance begins to serve, for as long as chance has it. */
static void serve(struct simulation *simulation, uint32_t number)
{
    struct cluster_node *node = node_of(simulation, number);
    const struct outage_settings *settings = &simulation->settings.outages;
    node->state = NODE_SERVES;
    node->away_ps = TIME_NONE;
    if (settings->failure_mean_s > 0) {
        struct outage outage = outage_draw(settings, simulation->settings.seed, number,
                                           node->starts, simulation->now_ps);
        outage.start = ++node->starts;
        plan_outage(simulation, &outage);
    }
}

/* It takes no requests and has none; a time of TIME_NONE is until it is started. */
static void go_away(struct simulation *simulation, uint32_t number, int64_t for_ps)
{
    struct cluster_node *node = node_of(simulation, number);
    if (for_ps == TIME_NONE) {
        node->state = NODE_IS_OFF;
        node->on_ps +=
            simulation->now_ps - ps_max(node->on_since_ps, simulation->intake.first_sent_ps);
    } else {
        node->state = NODE_IS_AWAY;
        simulation_push(simulation, ps_plus(simulation->now_ps, for_ps), EVENT_RETURN, number);
    }
}

void simulation_nodes_begin(struct simulation *simulation)
{
    const struct autoscaler_settings *scaling = &simulation->settings.scaling;
    bool scales = scaling->rule != SCALING_OFF;
    outage_list_init(&simulation->outages, &simulation->settings.outages);
    for (size_t i = 0; i < simulation->outages.count; i++) {
        simulation_push(simulation, simulation->outages.outages[i].from_ps, EVENT_OUTAGE,
                        (uint32_t)i);
    }
    for (uint32_t i = 0; i < simulation->cluster.count; i++) {
        if (scales && i >= scaling->minimum) {
            go_away(simulation, i, TIME_NONE);
        } else {
            serve(simulation, i);
        }
    }
    autoscaler_init(&simulation->autoscaler, scaling);
    if (scales) {
        simulation_push(simulation, scaling->interval_ps, EVENT_SCALING, 0);
    }
}

/* What becomes of a request whose instance has failed. */
static void retry(struct simulation *simulation, uint32_t place)
{
    struct request *request = &simulation->requests.requests[place];
    enum retry_rule rule = simulation->settings.outages.retry;
    if (rule == RETRY_NEVER) {
        request_become(request, REQUEST_REJECTED);
        simulation_reject(simulation, place);
        return;
    }
    request->retries++;
    if (rule == RETRY_RESTART) {
        request_restart_answer(request);
    }
    simulation_place(simulation, place, REQUEST_NEEDS_PREFILL);
}

static void fail(struct simulation *simulation, uint32_t number, int64_t for_ps)
{
    struct instance *instance = &simulation->cluster.instances[number];
    struct cluster_node *node = node_of(simulation, number);
    uint32_t *requests = memory_zeroed((size_t)node->load.requests + 1, sizeof requests[0]);
    simulation_catch_up(simulation, number);
    uint32_t count = engine_loop_restart(instance, requests, simulation->now_ps);
    assert(count == node->load.requests);
    node->epoch++;
    node->failures++;
    go_away(simulation, number, for_ps);
    for (uint32_t i = 0; i < count; i++) {
        cluster_node_remove(node, &simulation->requests.requests[requests[i]]);
    }
    for (uint32_t i = 0; i < count; i++) {
        retry(simulation, requests[i]);
    }
    free(requests);
}

void simulation_on_outage(struct simulation *simulation, uint32_t index)
{
    const struct outage outage = simulation->outages.outages[index];
    struct cluster_node *node = node_of(simulation, outage.instance);
    bool is_there = node->state == NODE_SERVES || node->state == NODE_DRAINS;
    bool is_of_now = outage.start == 0 || outage.start == node->starts;
    if (outage.ends_requests && is_there && is_of_now) {
        fail(simulation, outage.instance, outage.for_ps);
    } else if (!outage.ends_requests && node->state == NODE_SERVES) {
        node->state = NODE_DRAINS;
        node->away_ps = outage.for_ps;
        simulation_node_left(simulation, outage.instance);
    }
}

void simulation_node_left(struct simulation *simulation, uint32_t number)
{
    struct cluster_node *node = node_of(simulation, number);
    if (node->state == NODE_DRAINS && node->load.requests == 0) {
        go_away(simulation, number, node->away_ps);
    }
}

void simulation_on_return(struct simulation *simulation, uint32_t number)
{
    assert(node_of(simulation, number)->state == NODE_IS_AWAY);
    /* A new process: nothing is cached any more. */
    simulation_catch_up(simulation, number);
    engine_loop_restart(&simulation->cluster.instances[number], NULL, simulation->now_ps);
    node_of(simulation, number)->epoch++;
    serve(simulation, number);
    for (int need = REQUEST_NEEDS_PREFILL; need <= REQUEST_NEEDS_DECODE; need++) {
        struct request_queue *held = &simulation->held[need];
        for (size_t left = held->count; left > 0; left--) {
            simulation_place(simulation, request_queue_pop_front(held), (enum request_need)need);
        }
    }
}

/* The mean over the instances that serve. */
static double mean_load(struct simulation *simulation)
{
    uint32_t count = 0;
    double sum = 0;
    for (uint32_t i = 0; i < simulation->cluster.count; i++) {
        const struct instance *instance = &simulation->cluster.instances[i];
        if (simulation->cluster.nodes[i].state == NODE_SERVES) {
            simulation_catch_up(simulation, i);
            sum += simulation->settings.scaling.rule == SCALING_KV
                       ? kv_cache_utilization(&instance->kv_cache)
                   : simulation->settings.scaling.rule == SCALING_WAITING
                       ? (double)(instance->waiting.count + instance->swapped.count)
                       : simulation->cluster.nodes[i].load.requests;
            count++;
        }
    }
    return count > 0 ? sum / count : 0;
}

static void start_one(struct simulation *simulation)
{
    uint32_t number = 0;
    while (node_of(simulation, number)->state != NODE_IS_OFF) {
        number++;
    }
    node_of(simulation, number)->on_since_ps = simulation->now_ps;
    go_away(simulation, number, simulation->settings.scaling.start_ps);
}

/* The last one that serves; false when none does. */
static bool stop_one(struct simulation *simulation)
{
    uint32_t number = simulation->cluster.count;
    while (number > 0 && node_of(simulation, number - 1)->state != NODE_SERVES) {
        number--;
    }
    if (number == 0) {
        return false;
    }
    node_of(simulation, number - 1)->state = NODE_DRAINS;
    simulation_node_left(simulation, number - 1);
    return true;
}

void simulation_on_scaling(struct simulation *simulation)
{
    struct cluster *cluster = &simulation->cluster;
    uint32_t active = 0;
    uint32_t off = 0;
    for (uint32_t i = 0; i < cluster->count; i++) {
        active += cluster->nodes[i].state == NODE_SERVES || cluster->nodes[i].state == NODE_IS_AWAY;
        off += cluster->nodes[i].state == NODE_IS_OFF;
    }
    uint32_t wanted = autoscaler_wanted(&simulation->autoscaler, active, cluster->count,
                                        mean_load(simulation), simulation->now_ps);
    for (; wanted > active && off > 0; wanted--, off--) {
        start_one(simulation);
    }
    for (; wanted < active && stop_one(simulation); wanted++) {
    }
    simulation_push(simulation,
                    ps_plus(simulation->now_ps, simulation->settings.scaling.interval_ps),
                    EVENT_SCALING, 0);
}

double simulation_paid_s(const struct simulation *simulation, uint32_t number)
{
    const struct cluster_node *node = &simulation->cluster.nodes[number];
    int64_t until_ps = simulation->tally.last_token_ps;
    int64_t since_ps = ps_max(node->on_since_ps, simulation->intake.first_sent_ps);
    bool is_on = node->state != NODE_IS_OFF && until_ps > since_ps;
    return s_from_ps(node->on_ps + (is_on ? until_ps - since_ps : 0));
}
