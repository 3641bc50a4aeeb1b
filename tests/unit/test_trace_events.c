#include "tests/unit/check.h"

#include <stdlib.h>

#include "sim/base/json.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/cluster/trace_events.h"
#include "sim/serving/instance.h"

/* Two instances of no particular engine, and requests that a test moves about. */
struct stage {
    struct instance instances[2];
    struct instance_config config;
    struct engine_preset preset;
    struct request requests[3];
    struct trace_events *events;
    struct observer observer;
    char *text;
    size_t length;
    FILE *stream;
};

static const char *const names[] = {"gpqa \"d\""};

static struct stage *set_up(void)
{
    struct stage *stage = memory_zeroed(1, sizeof *stage);
    stage->preset.name = "engine";
    stage->config.preset = &stage->preset;
    stage->config.engine.num_blocks = 10;
    for (uint32_t i = 0; i < 2; i++) {
        stage->instances[i].config = &stage->config;
        stage->instances[i].requests = stage->requests;
        stage->instances[i].account.number = i;
    }
    for (uint32_t i = 0; i < 3; i++) {
        stage->requests[i].id = i;
        stage->requests[i].status = REQUEST_FINISHED;
        stage->requests[i].clock.first_visible_ps = TIME_NONE;
    }
    stage->stream = open_memstream(&stage->text, &stage->length);
    stage->events = trace_events_create(stage->stream, names);
    stage->observer = trace_events_observer(stage->events);
    return stage;
}

static struct json *finish(struct stage *stage)
{
    struct json *document = NULL;
    struct error error;
    trace_events_finish(stage->events);
    fclose(stage->stream);
    if (!json_parse(stage->text, "events", &document, &error)) {
        fail_msg("%s in\n%s", error.message, stage->text);
    }
    trace_events_destroy(stage->events);
    free(stage->text);
    free(stage);
    return document;
}

static void route(struct stage *stage, uint32_t request, uint32_t instance, int64_t now_us)
{
    stage->observer.on_route(stage->observer.state, &stage->requests[request],
                             &stage->instances[instance], now_us * PS_PER_US);
}

static void schedule(struct stage *stage, uint32_t request, uint32_t instance, int64_t now_us)
{
    struct batch_entry entry = {.request = request, .tokens = 1};
    struct batch batch = {.entries = &entry, .count = 1, .summary.prefill_tokens = 1};
    stage->observer.on_schedule(stage->observer.state, &stage->instances[instance], &batch,
                                now_us * PS_PER_US);
}

static void end(struct stage *stage, uint32_t request, int64_t first_us, int64_t last_us)
{
    stage->requests[request].clock.first_token_ps = first_us * PS_PER_US;
    stage->requests[request].clock.last_token_ps = last_us * PS_PER_US;
    stage->observer.on_finish(stage->observer.state, &stage->requests[request],
                              last_us * PS_PER_US);
}

/* The slice of that name which begins then, or NULL. */
static const struct json *find(const struct json *document, const char *name, double ts)
{
    const struct json *event = json_first(json_find(document, "traceEvents"));
    for (; event != NULL; event = json_next(event)) {
        double begins = -1;
        if (strcmp(json_text(json_find(event, "name")), name) == 0 &&
            json_number(json_find(event, "ts"), &begins) && begins >= ts && begins <= ts) {
            break;
        }
    }
    return event;
}

static void check_slice(const struct json *document, const char *name, double ts, double duration,
                        double lane)
{
    double found = -1;
    double tid = -1;
    const struct json *slice = find(document, name, ts);
    if (slice == NULL) {
        fail_msg("no '%s' at %g us", name, ts);
    }
    assert_true(json_number(json_find(slice, "dur"), &found));
    assert_near(found, duration, 1e-9);
    assert_true(json_number(json_find(slice, "tid"), &tid));
    assert_near(tid, lane, 1e-9);
}

/* Queued, prefill, thinking around a preemption, and the name of the dataset. */
static void test_phases(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    route(stage, 0, 0, 10);
    schedule(stage, 0, 0, 12);
    stage->observer.on_preempt(stage->observer.state, &stage->instances[0], &stage->requests[0],
                               30 * PS_PER_US);
    schedule(stage, 0, 0, 35);
    end(stage, 0, 20, 50);
    struct json *document = finish(stage);
    check_slice(document, "request 0", 10, 40, 1);
    check_slice(document, "queued", 10, 2, 1);
    check_slice(document, "prefill", 12, 8, 1);
    check_slice(document, "thinking", 20, 10, 1);
    check_slice(document, "preempted", 30, 5, 1);
    check_slice(document, "thinking", 35, 15, 1);
    const struct json *arguments = json_find(find(document, "request 0", 10), "args");
    assert_string_equal(json_text(json_find(arguments, "dataset")), "gpqa \"d\"");
    assert_non_null(find(document, "KV cache %", 12));
    json_destroy(document);
}

/* Requests at the same time have lanes of their own; a lane is used again. */
static void test_lanes(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    route(stage, 0, 0, 0);
    route(stage, 1, 0, 5);
    schedule(stage, 0, 0, 6);
    schedule(stage, 1, 0, 6);
    end(stage, 0, 7, 8);
    route(stage, 2, 0, 8);
    schedule(stage, 2, 0, 8);
    end(stage, 1, 9, 20);
    end(stage, 2, 10, 15);
    struct json *document = finish(stage);
    check_slice(document, "request 0", 0, 8, 1);
    check_slice(document, "request 1", 5, 15, 2);
    check_slice(document, "request 2", 8, 7, 1);
    json_destroy(document);
}

/* A prompt computed on one instance, the rest on another. */
static void test_hand_over(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    route(stage, 0, 0, 0);
    schedule(stage, 0, 0, 1);
    stage->requests[0].clock.first_token_ps = 5 * PS_PER_US;
    route(stage, 0, 1, 8);
    schedule(stage, 0, 1, 9);
    end(stage, 0, 5, 20);
    stage->requests[1].status = REQUEST_REJECTED;
    stage->observer.on_finish(stage->observer.state, &stage->requests[1], 3 * PS_PER_US);
    struct json *document = finish(stage);
    check_slice(document, "request 0", 0, 5, 1);
    check_slice(document, "prefill", 1, 4, 1);
    check_slice(document, "request 0", 8, 12, 1);
    check_slice(document, "queued", 8, 1, 1);
    check_slice(document, "thinking", 9, 11, 1);
    assert_non_null(find(document, "request 1 rejected", 3));
    json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_hand_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
