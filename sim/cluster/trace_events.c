#include "sim/cluster/trace_events.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/serving/instance.h"

/* A request is at an instance and does not run. */
struct pause {
    int64_t from_ps;
    int64_t until_ps; /* TIME_NONE: it goes on */
    bool is_preemption;
};

/* A request that is at an instance. */
struct stay {
    const struct instance *instance; /* NULL: it is nowhere */
    uint32_t lane;
    int64_t since_ps;
    bool is_paused;
    struct pause *pauses;
    uint32_t pause_count;
    size_t pause_capacity;
};

/* What counters last said. */
struct counters {
    double kv_percent;
    uint64_t running;
    uint64_t waiting;
    uint64_t batch_tokens;
};

struct track {
    bool is_named;
    int64_t *free_ps; /* from when each lane is free */
    uint32_t lane_count;
    size_t lane_capacity;
    struct counters counters;
};

struct trace_events {
    FILE *stream;
    const char *const *dataset_names;
    uint64_t written;
    struct track *tracks; /* by instance */
    uint32_t track_count;
    size_t track_capacity;
    struct stay *stays; /* by request */
    uint32_t stay_count;
    size_t stay_capacity;
};

struct trace_events *trace_events_create(FILE *stream, const char *const *dataset_names)
{
    struct trace_events *events = memory_zeroed(1, sizeof *events);
    assert(stream != NULL);
    events->stream = stream;
    events->dataset_names = dataset_names;
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", stream);
    return events;
}

void trace_events_destroy(struct trace_events *events)
{
    if (events == NULL) {
        return;
    }
    for (uint32_t i = 0; i < events->track_count; i++) {
        free(events->tracks[i].free_ps);
    }
    for (uint32_t i = 0; i < events->stay_count; i++) {
        free(events->stays[i].pauses);
    }
    free(events->tracks);
    free(events->stays);
    free(events);
}

/* Processes are counted from 1: Perfetto takes 0 for the idle one. */
static uint32_t process_of(const struct instance *instance)
{
    return instance->account.number + 1;
}

/* Begins an event; the caller closes it. */
static void begin(struct trace_events *events, char phase, uint32_t process)
{
    fprintf(events->stream, "%s\n{\"ph\":\"%c\",\"pid\":%u", events->written++ > 0 ? "," : "",
            phase, process);
}

/* Microseconds, to the nanosecond. */
static void write_time(FILE *stream, const char *name, int64_t time_ns)
{
    fprintf(stream, ",\"%s\":%lld.%03lld", name, (long long)(time_ns / 1000),
            (long long)(time_ns % 1000));
}

static void write_text(FILE *stream, const char *text)
{
    putc('"', stream);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < ' ') {
            fprintf(stream, "\\u%04x", byte);
        } else {
            fprintf(stream, byte == '"' || byte == '\\' ? "\\%c" : "%c", byte);
        }
    }
    putc('"', stream);
}

static struct track *track_of(struct trace_events *events, const struct instance *instance)
{
    uint32_t number = instance->account.number;
    while (events->track_count <= number) {
        events->tracks = memory_grow(events->tracks, &events->track_capacity,
                                     events->track_count + 1, sizeof events->tracks[0]);
        events->tracks[events->track_count++] = (struct track){.counters.kv_percent = -1};
    }
    struct track *track = &events->tracks[number];
    if (!track->is_named) {
        begin(events, 'M', process_of(instance));
        fprintf(events->stream,
                ",\"name\":\"process_name\",\"args\":{\"name\":\"instance %u, %s%s\"}}", number,
                instance->config->preset->name, instance->prefills_only ? ", prompts only" : "");
        track->is_named = true;
    }
    return track;
}

static struct stay *stay_of(struct trace_events *events, const struct request *request)
{
    while (events->stay_count <= request->id) {
        events->stays = memory_grow(events->stays, &events->stay_capacity, events->stay_count + 1,
                                    sizeof events->stays[0]);
        events->stays[events->stay_count++] = (struct stay){.instance = NULL};
    }
    return &events->stays[request->id];
}

/* The first lane that is free from then on. */
static uint32_t take_lane(struct track *track, int64_t now_ps)
{
    uint32_t lane = 0;
    while (lane < track->lane_count && track->free_ps[lane] > now_ps) {
        lane++;
    }
    if (lane == track->lane_count) {
        track->free_ps =
            memory_grow(track->free_ps, &track->lane_capacity, lane + 1, sizeof track->free_ps[0]);
        track->lane_count++;
    }
    track->free_ps[lane] = INT64_MAX;
    return lane;
}

/* A span of time within a stay, on its lane; nothing where it has no length. */
static bool begin_slice(struct trace_events *events, const struct stay *stay, int64_t from_ps,
                        int64_t until_ps)
{
    int64_t from_ns = from_ps / PS_PER_NS;
    int64_t until_ns = until_ps / PS_PER_NS;
    if (until_ns <= from_ns) {
        return false;
    }
    begin(events, 'X', process_of(stay->instance));
    fprintf(events->stream, ",\"tid\":%u", stay->lane + 1);
    write_time(events->stream, "ts", from_ns);
    write_time(events->stream, "dur", until_ns - from_ns);
    return true;
}

static void write_slice(struct trace_events *events, const struct stay *stay, const char *name,
                        int64_t from_ps, int64_t until_ps)
{
    if (begin_slice(events, stay, from_ps, until_ps)) {
        fprintf(events->stream, ",\"name\":\"%s\"}", name);
    }
}

/* What is left of a phase between pauses. */
static void write_phase(struct trace_events *events, const struct stay *stay, const char *name,
                        int64_t from_ps, int64_t until_ps)
{
    for (uint32_t i = 0; i < stay->pause_count; i++) {
        const struct pause *pause = &stay->pauses[i];
        write_slice(events, stay, name, from_ps, ps_min(pause->from_ps, until_ps));
        from_ps = ps_max(from_ps, pause->until_ps);
    }
    write_slice(events, stay, name, from_ps, until_ps);
}

static void write_request(struct trace_events *events, const struct stay *stay,
                          const struct request *request, int64_t end_ps)
{
    FILE *stream = events->stream;
    if (begin_slice(events, stay, stay->since_ps, end_ps)) {
        fprintf(stream, ",\"name\":\"request %u\",\"args\":{", request->id);
        if (events->dataset_names != NULL && events->dataset_names[request->ask.dataset] != NULL) {
            fputs("\"dataset\":", stream);
            write_text(stream, events->dataset_names[request->ask.dataset]);
            putc(',', stream);
        }
        fprintf(stream,
                "\"prompt_tokens\":%u,\"output_tokens\":%u,\"reasoning_tokens\":%u,"
                "\"cached_tokens\":%u,\"preemptions\":%u}}",
                request->ask.prompt_tokens, request->truth.output_tokens,
                request->truth.reasoning_tokens, request->cached_tokens, request->preemptions);
    }
}

/* A request leaves its instance: all that happened there is known now. */
static void leave(struct trace_events *events, struct stay *stay, const struct request *request,
                  int64_t end_ps)
{
    const struct request_clock *clock = &request->clock;
    int64_t first_ps = clock->first_token_ps == TIME_NONE ? end_ps : clock->first_token_ps;
    int64_t visible_ps = clock->first_visible_ps == TIME_NONE ? end_ps : clock->first_visible_ps;
    first_ps = ps_min(first_ps, end_ps);
    visible_ps = ps_min(ps_max(visible_ps, first_ps), end_ps);
    write_request(events, stay, request, end_ps);
    for (uint32_t i = 0; i < stay->pause_count; i++) {
        struct pause *pause = &stay->pauses[i];
        pause->until_ps = pause->until_ps == TIME_NONE ? end_ps : ps_min(pause->until_ps, end_ps);
        write_slice(events, stay, pause->is_preemption ? "preempted" : "queued", pause->from_ps,
                    pause->until_ps);
    }
    write_phase(events, stay, "prefill", stay->since_ps, first_ps);
    write_phase(events, stay, "thinking", ps_max(stay->since_ps, first_ps), visible_ps);
    write_phase(events, stay, "answer", ps_max(stay->since_ps, visible_ps), end_ps);
    track_of(events, stay->instance)->free_ps[stay->lane] = end_ps;
    free(stay->pauses);
    *stay = (struct stay){.instance = NULL};
}

static void pause_now(struct stay *stay, int64_t now_ps, bool is_preemption)
{
    assert(!stay->is_paused);
    stay->pauses = memory_grow(stay->pauses, &stay->pause_capacity, stay->pause_count + 1,
                               sizeof stay->pauses[0]);
    stay->pauses[stay->pause_count++] = (struct pause){now_ps, TIME_NONE, is_preemption};
    stay->is_paused = true;
}

static void on_route(void *state, const struct request *request, const struct instance *instance,
                     int64_t now_ps)
{
    struct trace_events *events = state;
    struct stay *stay = stay_of(events, request);
    if (stay->instance != NULL) { /* its prompt was computed there */
        int64_t first_ps = request->clock.first_token_ps;
        leave(events, stay, request, first_ps == TIME_NONE ? now_ps : ps_min(first_ps, now_ps));
    }
    stay->instance = instance;
    stay->since_ps = now_ps;
    stay->lane = take_lane(track_of(events, instance), now_ps);
    pause_now(stay, now_ps, false);
}

static void on_preempt(void *state, const struct instance *instance, const struct request *request,
                       int64_t now_ps)
{
    struct stay *stay = stay_of(state, request);
    (void)instance;
    if (!stay->is_paused) {
        pause_now(stay, now_ps, true);
    }
}

static void count(struct trace_events *events, const struct instance *instance, const char *name,
                  double value, int64_t now_ps)
{
    begin(events, 'C', process_of(instance));
    write_time(events->stream, "ts", now_ps / PS_PER_NS);
    fprintf(events->stream, ",\"name\":\"%s\",\"args\":{\"value\":%.6g}}", name, value);
}

/* Counters that have changed. */
static void count_all(struct trace_events *events, const struct instance *instance,
                      uint64_t batch_tokens, int64_t now_ps)
{
    struct track *track = track_of(events, instance);
    const struct counters last = track->counters;
    const struct counters now = {.kv_percent = 100.0 * instance_usage(instance).used_blocks /
                                               instance_config_blocks(instance->config),
                                 .running = instance->running_count,
                                 .waiting = instance->waiting.count + instance->swapped.count,
                                 .batch_tokens = batch_tokens};
    bool is_first = last.kv_percent < 0;
    track->counters = now;
    if (is_first || now.kv_percent > last.kv_percent || now.kv_percent < last.kv_percent) {
        count(events, instance, "KV cache %", now.kv_percent, now_ps);
    }
    if (is_first || now.running != last.running) {
        count(events, instance, "running", (double)now.running, now_ps);
    }
    if (is_first || now.waiting != last.waiting) {
        count(events, instance, "waiting", (double)now.waiting, now_ps);
    }
    if (is_first || now.batch_tokens != last.batch_tokens) {
        count(events, instance, "batch tokens", (double)now.batch_tokens, now_ps);
    }
}

static void on_schedule(void *state, const struct instance *instance, const struct batch *batch,
                        int64_t now_ps)
{
    struct trace_events *events = state;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct stay *stay = stay_of(events, &instance->requests[batch->entries[i].request]);
        if (stay->is_paused) {
            stay->pauses[stay->pause_count - 1].until_ps = now_ps;
            stay->is_paused = false;
        }
    }
    count_all(events, instance, batch_summary_tokens(&batch->summary), now_ps);
}

static void on_repeat(void *state, const struct instance *instance, const struct step_times *times,
                      uint64_t steps)
{
    struct trace_events *events = state;
    assert(steps > 0);
    count_all(events, instance, track_of(events, instance)->counters.batch_tokens,
              step_times_at(times, steps - 1));
}

static void on_finish(void *state, const struct request *request, int64_t now_ps)
{
    struct trace_events *events = state;
    struct stay *stay = stay_of(events, request);
    if (stay->instance != NULL) {
        bool is_done = request->status == REQUEST_FINISHED;
        leave(events, stay, request, is_done ? request->clock.last_token_ps : now_ps);
    } else if (request->status == REQUEST_REJECTED) {
        begin(events, 'i', 1);
        fprintf(events->stream, ",\"tid\":0,\"s\":\"g\",\"name\":\"request %u rejected\"",
                request->id);
        write_time(events->stream, "ts", now_ps / PS_PER_NS);
        putc('}', events->stream);
    }
}

struct observer trace_events_observer(struct trace_events *events)
{
    return (struct observer){.state = events,
                             .on_route = on_route,
                             .on_preempt = on_preempt,
                             .on_schedule = on_schedule,
                             .on_repeat = on_repeat,
                             .on_finish = on_finish};
}

void trace_events_finish(struct trace_events *events)
{
    fputs("\n]}\n", events->stream);
}
