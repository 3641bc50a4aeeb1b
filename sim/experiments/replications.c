#include "sim/experiments/replications.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/metrics/interval.h"
#include "sim/report/run_report.h"
#include "sim/scenario/setup.h"

#define LEVEL 0.95

/* The results of a replication, as JSON read back. */
static bool take_results(void *context, const struct finished_run *run, struct error *error)
{
    struct json **ret_results = context;
    struct run_summary summary = simulation_summarize(run->simulation);
    struct json *written = json_create_object();
    run_report_json(&summary, written);
    char *text = json_print(written);
    bool ok = json_parse(text, "results", ret_results, error);
    free(text);
    json_destroy(written);
    return ok;
}

/* Intervals of all numbers below 'results[0]'; the others are built alike. */
static void add_intervals(const struct json **results, uint32_t count, struct json *object)
{
    for (const struct json *item = json_first(results[0]); item != NULL; item = json_next(item)) {
        const struct json **same = memory_zeroed(count, sizeof(void *));
        double *values = memory_zeroed(count, sizeof values[0]);
        size_t known = 0;
        for (uint32_t i = 0; i < count; i++) {
            same[i] = json_find(results[i], json_name(item));
            known += json_number(same[i], &values[known]);
        }
        if (json_is_object(item)) {
            add_intervals(same, count, json_add_object(object, json_name(item)));
        } else {
            struct interval interval = interval_predict(values, known, LEVEL);
            struct json *child = json_add_object(object, json_name(item));
            json_add_number(child, "mean", interval.mean);
            json_add_number(child, "low", interval.low);
            json_add_number(child, "high", interval.high);
        }
        free(values);
        free(same);
    }
}

/* The main figures, from the intervals read back. */
static void print_main(const struct json *intervals, uint32_t count, FILE *stream)
{
    static const struct {
        const char *label;
        const char *group;
        const char *figure;
        double scale;
        const char *unit;
    } rows[] = {{"makespan", NULL, "makespan_s", 1, "s"},
                {"output tokens/s", "throughput", "output_tokens_per_s", 1, ""},
                {"TTFT p50", "ttft_s", "p50", 1000, "ms"},
                {"TTFT p99", "ttft_s", "p99", 1000, "ms"},
                {"TPOT p50", "tpot_s", "p50", 1000, "ms"},
                {"TPOT p99", "tpot_s", "p99", 1000, "ms"},
                {"ITL max", "itl_s", "max", 1000, "ms"},
                {"E2E p50", "e2e_s", "p50", 1, "s"},
                {"E2E p99", "e2e_s", "p99", 1, "s"},
                {"KV mean", "kv_utilization", "mean", 100, "%"},
                {"KV peak", "kv_utilization", "peak", 100, "%"},
                {"running peak", "running", "peak", 1, ""},
                {"preemptions", NULL, "preemptions", 1, ""}};
    fprintf(stream, "\n  %-28s %9s %9s %9s   95 %% prediction interval, %u replications\n", "",
            "mean", "low", "high", count);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json *group =
            rows[i].group != NULL ? json_find(intervals, rows[i].group) : intervals;
        const struct json *figure = json_find(group, rows[i].figure);
        double values[3] = {NAN, NAN, NAN};
        static const char *const parts[] = {"mean", "low", "high"};
        for (int k = 0; k < 3; k++) {
            json_number(json_find(figure, parts[k]), &values[k]);
        }
        fprintf(stream, "  %-28s %9.4g %9.4g %9.4g %s\n", rows[i].label, values[0] * rows[i].scale,
                values[1] * rows[i].scale, values[2] * rows[i].scale, rows[i].unit);
    }
}

static bool print_intervals(const struct json *object, uint32_t count, FILE *stream,
                            struct error *error)
{
    char *text = json_print(object);
    struct json *read = NULL;
    bool ok = json_parse(text, "intervals", &read, error);
    if (ok) {
        print_main(read, count, stream);
    }
    json_destroy(read);
    free(text);
    return ok;
}

/* Replications that are still to run, shared by all workers. */
struct work {
    const struct scenario *scenario;
    struct json **results; /* by replication: who ran it does not matter */
    uint32_t count;
    atomic_uint next;
    atomic_bool failed;
    struct error error; /* of the one worker that failed first */
};

static void *run_some(void *context)
{
    struct work *work = context;
    for (uint32_t i = atomic_fetch_add(&work->next, 1); i < work->count && !work->failed;
         i = atomic_fetch_add(&work->next, 1)) {
        struct scenario one = *work->scenario;
        struct error error;
        one.seed = work->scenario->seed + i;
        if (!setup_run(&one, take_results, &work->results[i], &error) &&
            !atomic_exchange(&work->failed, true)) {
            work->error = error;
        }
    }
    return NULL;
}

/* One worker a core, this thread among them. */
static void run_all(struct work *work)
{
    enum { MAX_WORKERS = 256 };
    pthread_t workers[MAX_WORKERS];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t wanted = cores > 1 ? (uint32_t)cores - 1 : 0;
    uint32_t started = 0;
    while (started < wanted && started + 1 < work->count && started < MAX_WORKERS &&
           pthread_create(&workers[started], NULL, run_some, work) == 0) {
        started++;
    }
    run_some(work);
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(workers[i], NULL);
    }
}

bool replications_run(const struct scenario *scenario, uint32_t count, struct json *object,
                      FILE *stream, struct error *error)
{
    struct work work = {.scenario = scenario, .count = count};
    work.results = memory_zeroed(count, sizeof(void *));
    run_all(&work);
    bool ok = !work.failed;
    if (ok) {
        add_intervals((const struct json **)work.results, count, object);
        ok = print_intervals(object, count, stream, error);
    } else {
        *error = work.error;
    }
    for (uint32_t i = 0; i < count; i++) {
        json_destroy(work.results[i]);
    }
    free(work.results);
    return ok;
}
