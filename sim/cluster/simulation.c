#include "sim/cluster/simulation_state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"

static void push(struct simulation *simulation, int64_t at_ps, enum event_type type,
                 uint32_t subject)
{
    event_queue_push(&simulation->events,
                     (struct event){.at_ps = at_ps, .type = type, .subject = subject});
}

static uint32_t take_place(struct simulation *simulation)
{
    if (simulation->vacant_count > 0) {
        return simulation->vacant[--simulation->vacant_count];
    }
    uint32_t place = simulation->request_count++;
    simulation->requests = memory_grow(simulation->requests, &simulation->request_capacity,
                                       simulation->request_count, sizeof simulation->requests[0]);
    for (uint32_t i = 0; i < simulation->instance_count; i++) {
        instance_set_requests(&simulation->instances[i], simulation->requests,
                              simulation->request_count);
    }
    return place;
}

/* Nobody refers to the request any more. */
static void forget(struct simulation *simulation, uint32_t place)
{
    const struct request *request = &simulation->requests[place];
    run_tally_add(&simulation->tally, request);
    if (simulation->feed.done != NULL) {
        simulation->feed.done(simulation->feed.context, request);
    }
    simulation->vacant = memory_grow(simulation->vacant, &simulation->vacant_capacity,
                                     simulation->vacant_count + 1, sizeof simulation->vacant[0]);
    simulation->vacant[simulation->vacant_count++] = place;
}

/* Streams nobody shares: no hash of a name is likely to fall among them. */
#define OWN_STREAMS (UINT64_C(1) << 62)

/* What the engine and the client know of it before it is sent. */
static void begin_request(struct request *request, uint32_t id)
{
    request->id = id;
    request->status = REQUEST_UNSENT;
    request->is_member = false;
    request->known_tokens = request->ask.prompt_tokens;
    request->computed_tokens = 0;
    request->placeholders = 0;
    request->drafts = 0;
    request->verifications = 0;
    request->cached_tokens = 0;
    request->remote_tokens = 0;
    request->cacheable_tokens = 0;
    request->swapped_blocks = 0;
    request->ask.content.own_stream =
        request->ask.content.own_stream != 0 ? request->ask.content.own_stream : OWN_STREAMS + id;
    request->preemptions = 0;
    request->recomputed_tokens = 0;
    request->clock.first_scheduled_ps = TIME_NONE;
    request->clock.first_token_ps = TIME_NONE;
    request->clock.first_visible_ps = TIME_NONE;
    request->clock.last_token_ps = TIME_NONE;
    request->clock.max_itl_ps = 0;
}

/* Lets the client send what it wants to send now; requests reach the engine a little later. */
static void send_requests(struct simulation *simulation, int64_t client_now_ps, uint32_t answered)
{
    struct client *client = &simulation->client;
    uint32_t wanted = client_wants(client, answered);
    struct request request;
    while (wanted-- > 0 && simulation->feed.next(simulation->feed.context, &request)) {
        begin_request(&request, (uint32_t)simulation->sent++);
        if (client->settings.kind != CLIENT_OPEN) {
            request.ask.sent_ps = client_now_ps;
        }
        uint32_t place = take_place(simulation);
        simulation->requests[place] = request;
        client_sent(client);
        simulation->intake_free_ps = ps_max(simulation->intake_free_ps, request.ask.sent_ps) +
                                     simulation->settings.groups->config->engine.host.intake_ps;
        push(simulation,
             simulation->intake_free_ps +
                 simulation->settings.groups->config->cost->host.request_overhead_ps,
             EVENT_REQUEST_ARRIVAL, place);
    }
}

/* Stretches are taken only where nothing else happens between steps of one token a request. */
static bool may_take_stretches(const struct simulation *simulation)
{
    const struct simulation_settings *settings = &simulation->settings;
    return !settings->stepwise && simulation->instance_count == 1 &&
           settings->hooks.next_iteration_ps == NULL && settings->hooks.on_schedule == NULL;
}

static void create_instances(struct simulation *simulation)
{
    const struct simulation_settings *settings = &simulation->settings;
    for (uint32_t g = 0; g < settings->group_count; g++) {
        simulation->instance_count += settings->groups[g].count;
    }
    assert(simulation->instance_count > 0);
    simulation->instances =
        memory_zeroed(simulation->instance_count, sizeof simulation->instances[0]);
    simulation->instance = simulation->instances;
    struct instance *instance = simulation->instances;
    for (uint32_t g = 0; g < settings->group_count; g++) {
        const struct instance_group *group = &settings->groups[g];
        for (uint32_t i = 0; i < group->count; i++) {
            instance_init(instance, group->config, NULL, 0);
            instance->prefills_only = group->role == INSTANCE_PREFILL;
            simulation->is_disaggregated |= instance->prefills_only;
            instance++;
        }
    }
    instance = simulation->instances;
    simulation->takes_walked = may_take_stretches(simulation);
    instance->decode_group.is_open = simulation->takes_walked &&
                                     instance->config->preset->steady_steps != NULL &&
                                     !instance->config->engine.prefix_caching;
}

/* Steps without a token: even one token a step fills all requests' KV. */
static uint64_t patience_steps(const struct engine_settings *engine)
{
    return 1000 + 4 * (uint64_t)engine->max_model_len *
                      (1 + engine->max_batch_requests / engine->max_batch_tokens);
}

static struct simulation *create(const struct simulation_settings *settings)
{
    struct simulation *simulation = memory_zeroed(1, sizeof *simulation);
    simulation->settings = *settings;
    event_queue_init(&simulation->events);
    client_init(&simulation->client, &settings->client);
    create_instances(simulation);
    run_tally_init(&simulation->tally, &settings->slo,
                   settings->exact_limit > 0 ? settings->exact_limit : LATENCY_EXACT_LIMIT);
    simulation->common_noise_key = random_key(settings->seed, "noise of all steps");
    simulation->gpu_noise_key = random_key(settings->seed, "noise of stretches");
    simulation->launch_noise_key = random_key(settings->seed, "noise of launches");
    simulation->idle_start_noise_key = random_key(settings->seed, "noise of wakes");
    uint32_t total_blocks = 0;
    uint32_t running_limit = 0;
    for (uint32_t i = 0; i < simulation->instance_count; i++) {
        const struct instance *instance = &simulation->instances[i];
        const struct engine_settings *engine = &instance->config->engine;
        total_blocks += instance->kv_cache.total_blocks;
        running_limit += engine->max_batch_requests;
        uint64_t patience = patience_steps(engine);
        simulation->patience_steps =
            patience > simulation->patience_steps ? patience : simulation->patience_steps;
    }
    timeline_init(&simulation->timeline, settings->timeline_interval_ps, total_blocks,
                  running_limit);
    simulation->timeline.sink = settings->timeline_sink;
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
        for (uint32_t i = 0; i < simulation->instance_count; i++) {
            instance_clear(&simulation->instances[i]);
        }
        free(simulation->instances);
        timeline_clear(&simulation->timeline);
        run_tally_clear(&simulation->tally);
        free(simulation->requests);
        free(simulation->vacant);
        free(simulation);
    }
}

struct timeline_state simulation_state(const struct simulation *simulation)
{
    struct timeline_state state = {.output_tokens = simulation->output_tokens};
    for (uint32_t i = 0; i < simulation->instance_count; i++) {
        const struct instance *instance = &simulation->instances[i];
        state.used_blocks += instance->kv_cache.total_blocks - instance->kv_cache.free_blocks;
        state.running += instance->running_count;
        state.waiting += (uint32_t)instance->waiting.count;
    }
    return state;
}

static void note_state(struct simulation *simulation)
{
    timeline_set(&simulation->timeline, simulation->now_ps, simulation_state(simulation));
}

static void count_step(struct simulation *simulation, const struct batch *batch)
{
    struct simulation_counts *counts = &simulation->counts;
    counts->preemptions += batch->preempted_count;
    simulation->steps_since_token++;
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
        step_cost_is_extrapolated(simulation->instance->config->cost, &batch->summary);
}

static void reject(struct simulation *simulation, uint32_t place)
{
    simulation->requests[place].status = REQUEST_REJECTED;
    simulation->counts.rejected++;
    forget(simulation, place);
    send_requests(simulation, simulation->now_ps, 1);
}

static void reject_refused(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    while (instance->refused_count > 0) {
        reject(simulation, instance->refused[--instance->refused_count]);
    }
}

/* Form batch: the scheduler's decision, now. */
static struct batch *schedule_batch(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    uint32_t slot = (instance->oldest_step + instance->steps_in_flight) % MAX_STEPS_IN_FLIGHT;
    struct batch *batch = &instance->steps[slot];
    instance->config->preset->schedule(instance, batch);
    instance->steps_in_flight++;
    reject_refused(simulation);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = &simulation->requests[batch->entries[i].request];
        if (request->clock.first_scheduled_ps == TIME_NONE) {
            request->clock.first_scheduled_ps = simulation->now_ps;
        }
    }
    count_step(simulation, batch);
    note_state(simulation);
    if (simulation->settings.hooks.on_schedule != NULL) {
        simulation->settings.hooks.on_schedule(simulation->settings.hooks.context, instance, batch,
                                               simulation->now_ps);
    }
    return batch;
}

static uint32_t instance_number(const struct simulation *simulation)
{
    return (uint32_t)(simulation->instance - simulation->instances);
}

static void push_iteration(struct simulation *simulation, int64_t priced_ps, enum event_type type)
{
    const struct simulation_hooks *hooks = &simulation->settings.hooks;
    int64_t at_ps = priced_ps;
    if (hooks->next_iteration_ps != NULL) {
        at_ps = hooks->next_iteration_ps(hooks->context, simulation->now_ps, priced_ps);
    }
    push(simulation, ps_max(simulation->now_ps, at_ps), type, instance_number(simulation));
}

/* Schedule the next step: the loop forms again as soon as the launch returns if there is room for
 * another step in flight, else it waits for the oldest. */
static void schedule_next(struct simulation *simulation, const struct batch *batch)
{
    struct instance *instance = simulation->instance;
    uint32_t limit = instance_steps_limit(instance);
    int64_t now = simulation->now_ps;
    int64_t returned =
        simulation->instance->config->cost->host.launch_blocks_loop && !batch_is_empty(batch)
            ? instance->clock.launch_done_ps
            : now;
    if (!batch_is_empty(batch) && instance->steps_in_flight < limit) {
        push_iteration(simulation, returned, EVENT_LAUNCH_DONE);
    } else {
        int64_t end = instance->steps[instance->oldest_step].end_ps;
        push_iteration(simulation, ps_max(end, returned), EVENT_STEP_END);
    }
}

/* One step of the engine loop. */
static void step(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    instance->is_busy = true;
    if (instance_has_work(instance)) {
        struct batch *batch = schedule_batch(simulation);
        simulation_price_batch(simulation, batch);
        schedule_next(simulation, batch);
    } else if (instance->steps_in_flight > 0) {
        push_iteration(simulation, instance->steps[instance->oldest_step].end_ps, EVENT_STEP_END);
    } else {
        instance->is_busy = false;
        note_state(simulation);
    }
}

/* Tokens that come together are one chunk to the client: one gap. */
static void deliver_tokens(struct simulation *simulation, struct request *request, uint32_t count,
                           uint32_t already_known, int64_t at_ps)
{
    uint32_t before = request_outputs(request) - already_known;
    if (before == 0) {
        request->clock.first_token_ps = at_ps;
    } else {
        int64_t gap_ps = at_ps - request->clock.last_token_ps;
        request->clock.max_itl_ps = ps_max(request->clock.max_itl_ps, gap_ps);
        histogram_add(&simulation->itl, gap_ps, 1);
    }
    if (before <= request->truth.reasoning_tokens &&
        before + count > request->truth.reasoning_tokens) {
        request->clock.first_visible_ps = at_ps;
    }
    request->clock.last_token_ps = at_ps;
    simulation->output_tokens += count;
    simulation->steps_since_token = 0;
}

static void deliver_to_decode_group(struct simulation *simulation, int64_t at_ps)
{
    struct decode_group *decode_group = &simulation->instance->decode_group;
    uint32_t members = decode_group_count(decode_group);
    if (members > 0) {
        simulation->output_tokens += decode_group_tokens(decode_group);
        int64_t gap_ps = decode_group_deliver(decode_group, simulation->instance, at_ps);
        histogram_add(&simulation->itl, gap_ps, members);
        simulation->steps_since_token = 0;
    }
}

/* Requests whose prompts are done go on elsewhere, one after the other over the link; there all but
 * the last token of the prompt count as computed, and the first token comes out. */
static void hand_over(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    const struct simulation_settings *settings = &simulation->settings;
    for (uint32_t i = 0; i < instance->finished_count; i++) {
        struct request *request = &simulation->requests[instance->finished[i]];
        request->status = REQUEST_UNSENT;
        request->known_tokens = request->ask.prompt_tokens;
        request->computed_tokens = 0;
        request->placeholders = 0;
        request->drafts = 0;
        request->remote_tokens = request->ask.prompt_tokens - 1;
        instance->link_free_ps = ps_max(instance->link_free_ps, simulation->now_ps) +
                                 settings->kv_link.latency_ps +
                                 settings->kv_link.token_ps * (int64_t)request->ask.prompt_tokens;
        push(simulation, instance->link_free_ps, EVENT_KV_ARRIVAL, instance->finished[i]);
    }
}

/* Apply the tokens: the client sees them, the engine takes them in, the client reacts. */
static void apply_tokens(struct simulation *simulation, struct batch *batch)
{
    struct instance *instance = simulation->instance;
    int64_t ready_ps = simulation->now_ps;
    if (batch->is_taken) {
        ready_ps = ps_max(ready_ps, instance->clock.launch_done_ps); /* of the next step */
    }
    int64_t seen_ps = ready_ps + simulation->instance->config->cost->host.output_overhead_ps;
    deliver_to_decode_group(simulation, seen_ps);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        struct request *request = &simulation->requests[entry->request];
        if (entry->samples && !instance->prefills_only) {
            uint32_t left = instance_tokens_left(instance, request) + batch->is_taken;
            deliver_tokens(simulation, request,
                           left < 1 + entry->accepted ? left : 1 + entry->accepted, batch->is_taken,
                           seen_ps);
        }
    }
    instance->config->preset->process_output(instance, batch);
    if (instance->prefills_only) {
        hand_over(simulation);
        return;
    }
    simulation->counts.finished += instance->finished_count;
    for (uint32_t i = 0; i < instance->finished_count; i++) {
        forget(simulation, instance->finished[i]);
    }
    if (instance->finished_count > 0) {
        send_requests(simulation, seen_ps, instance->finished_count);
    }
}

/* Goes where the fewest are, of those that prefill (or of those that decode what was prefilled). */
static void route(struct simulation *simulation, bool prefilled)
{
    size_t fewest = SIZE_MAX;
    for (uint32_t i = 0; i < simulation->instance_count; i++) {
        struct instance *instance = &simulation->instances[i];
        size_t requests = instance->running_count + instance->waiting.count;
        bool suits = prefilled ? !instance->prefills_only
                               : !simulation->is_disaggregated || instance->prefills_only;
        if (suits && requests < fewest) {
            fewest = requests;
            simulation->instance = instance;
        }
    }
}

static int64_t idle_start_ps(struct simulation *simulation)
{
    const struct step_cost *cost = simulation->instance->config->cost;
    if (!simulation->settings.noise) {
        return cost->host.idle_start_ps;
    }
    double deviate = random_normal_at(simulation->idle_start_noise_key, simulation->wakes++);
    return nearest_whole((double)cost->host.idle_start_ps * exp(cost->spread.idle_start * deviate));
}

static void enqueue(struct simulation *simulation, uint32_t index)
{
    struct instance *instance = simulation->instance;
    instance_enqueue(instance, index);
    if (!instance->is_busy) {
        instance->is_busy = true;
        push(simulation, simulation->now_ps + idle_start_ps(simulation), EVENT_LAUNCH_DONE,
             instance_number(simulation));
    }
}

static void on_request_arrival(struct simulation *simulation, uint32_t index)
{
    if (simulation->settings.client.kind == CLIENT_OPEN) {
        send_requests(simulation, simulation->now_ps, 0);
    }
    route(simulation, false);
    if (instance_refusal(simulation->instance, &simulation->requests[index]) != NULL) {
        reject(simulation, index);
        return;
    }
    enqueue(simulation, index);
}

static void on_step_end(struct simulation *simulation)
{
    struct instance *instance = simulation->instance;
    decode_group_release(instance);
    if (simulation_take_stretch(simulation)) {
        return;
    }
    struct batch *batch = instance_step(instance, 0);
    instance->oldest_step = (instance->oldest_step + 1) % MAX_STEPS_IN_FLIGHT;
    instance->steps_in_flight--;
    if (instance_takes_tokens_early(instance)) {
        instance->config->preset->take_tokens(instance, batch);
        step(simulation);
        apply_tokens(simulation, batch);
        return;
    }
    apply_tokens(simulation, batch);
    step(simulation);
    decode_group_gather(instance, simulation->now_ps +
                                      simulation->instance->config->cost->host.output_overhead_ps);
}

bool simulation_is_stalled(const struct simulation *simulation)
{
    return simulation->steps_since_token > simulation->patience_steps;
}

bool simulation_is_out_of_time(const struct simulation *simulation)
{
    return simulation->now_ps > ps_from_s(MAX_TIME_S);
}

bool simulation_step(struct simulation *simulation)
{
    struct event event;
    if (simulation_is_stalled(simulation) || simulation_is_out_of_time(simulation) ||
        !event_queue_pop(&simulation->events, &event)) {
        return false;
    }
    assert(event.at_ps >= simulation->now_ps);
    simulation->now_ps = event.at_ps;
    simulation->counts.events++;
    switch (event.type) {
    case EVENT_REQUEST_ARRIVAL:
        on_request_arrival(simulation, event.subject);
        break;
    case EVENT_KV_ARRIVAL:
        route(simulation, true);
        enqueue(simulation, event.subject);
        break;
    case EVENT_LAUNCH_DONE:
        simulation->instance = &simulation->instances[event.subject];
        step(simulation);
        break;
    case EVENT_STEP_END:
        simulation->instance = &simulation->instances[event.subject];
        on_step_end(simulation);
        break;
    }
    return true;
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
    assert(simulation_is_stalled(simulation) || simulation_is_out_of_time(simulation) ||
           simulation->counts.finished + simulation->counts.rejected == simulation->sent);
}

int64_t simulation_now_ps(const struct simulation *simulation)
{
    return simulation->now_ps;
}

const struct simulation_counts *simulation_counts(const struct simulation *simulation)
{
    return &simulation->counts;
}

const struct timeline *simulation_timeline(const struct simulation *simulation)
{
    return &simulation->timeline;
}

const struct histogram *simulation_itl(const struct simulation *simulation)
{
    return &simulation->itl;
}

const struct instance *simulation_instance(const struct simulation *simulation)
{
    return simulation->instance;
}
