/* One pass over each file. The timeline is thinned by joining neighbours, requests by keeping each
 * N-th: whenever the room is full, half of it is freed and the stride doubles. Requests that take
 * longest are kept beside those, in order, because a thinned list would drop the very stragglers
 * that the figures are about. */
#include "sim/report/run_curves.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/csv.h"
#include "sim/base/json.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"

/* Fields of a row that are numbers, by name; an empty one is NAN. */
static bool read_numbers(const struct csv_reader *csv, const char *const *names, size_t count,
                         double *values, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t column = 0;
        if (!csv_require(csv, names[i], &column, error)) {
            return false;
        }
        values[i] = NAN;
        if (csv->fields[column][0] != '\0' &&
            !csv_double(csv, column, -1e15, 1e15, &values[i], error)) {
            return false;
        }
    }
    return true;
}

static struct curve_sample join(struct curve_sample a, struct curve_sample b)
{
    return (struct curve_sample){a.time_s, fmax(a.kv, b.kv), fmax(a.running, b.running),
                                 fmax(a.waiting, b.waiting)};
}

static void add_sample(struct curve_timeline *timeline, struct curve_sample sample)
{
    if (timeline->joined > 0 && timeline->joined < timeline->stride) {
        timeline->samples[timeline->count - 1] =
            join(timeline->samples[timeline->count - 1], sample);
        timeline->joined++;
        return;
    }
    if (timeline->count == RUN_CURVES_MAX_SAMPLES) {
        for (size_t i = 0; i < RUN_CURVES_MAX_SAMPLES / 2; i++) {
            timeline->samples[i] = join(timeline->samples[2 * i], timeline->samples[2 * i + 1]);
        }
        timeline->count /= 2;
        timeline->stride *= 2;
    }
    timeline->samples[timeline->count++] = sample;
    timeline->joined = 1;
}

/* False with an error for what is there and no file: reading a FIFO would never end. */
static bool find_file(const char *directory, const char *name, char *path, size_t path_bytes,
                      bool *ret_found, struct error *error)
{
    struct stat there;
    snprintf(path, path_bytes, "%s/%s", directory, name);
    *ret_found = stat(path, &there) == 0;
    return !*ret_found || S_ISREG(there.st_mode) ||
           error_set(error, "%s: expected a regular file", path);
}

/* Calls 'take' for each row of a table, if it is there. */
static bool read_table(const char *directory, const char *name, void *to,
                       bool (*take)(void *to, const struct csv_reader *csv, struct error *error),
                       struct error *error)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct csv_reader csv;
    bool more = false;
    if (!find_file(directory, name, path, sizeof path, &more, error)) {
        return false;
    }
    if (!more) {
        return true;
    }
    bool ok = csv_open(&csv, path, NULL, error);
    while (ok && more) {
        ok = csv_next(&csv, &more, error) && (!more || take(to, &csv, error));
    }
    csv_close(&csv);
    return ok;
}

static bool take_sample(void *to, const struct csv_reader *csv, struct error *error)
{
    static const char *const names[] = {"time_s", "kv_utilization", "running", "waiting"};
    double values[4];
    if (!read_numbers(csv, names, 4, values, error)) {
        return false;
    }
    add_sample(to, (struct curve_sample){values[0], values[1], values[2], values[3]});
    return true;
}

static uint32_t number_dataset(struct curve_requests *requests, const char *name)
{
    uint32_t number = 0;
    while (number < requests->dataset_count && !text_equal(requests->datasets[number], name)) {
        number++;
    }
    if (number == RUN_CURVES_MAX_DATASETS) {
        return number - 1; /* the last one stands for all others too */
    }
    if (number == requests->dataset_count) {
        snprintf(requests->datasets[number], sizeof requests->datasets[number], "%.63s", name);
        requests->dataset_count++;
    }
    return number;
}

static double e2e_s(const struct curve_request *request)
{
    return request->last_token_s - request->sent_s;
}

static void keep_longest(struct curve_requests *requests, const struct curve_request *request)
{
    size_t at = requests->longest_count;
    while (at > 0 && e2e_s(request) > e2e_s(&requests->longest[at - 1])) {
        requests->longest[at] = requests->longest[at - 1];
        at--;
    }
    if (at < RUN_CURVES_LONGEST) {
        requests->longest[at] = *request;
        requests->longest_count += requests->longest_count < RUN_CURVES_LONGEST;
    }
}

static void keep_spread(struct curve_requests *requests, const struct curve_request *request)
{
    if (requests->finished % requests->stride != 0) {
        return;
    }
    if (requests->count == RUN_CURVES_MAX_REQUESTS) {
        for (size_t i = 0; i < RUN_CURVES_MAX_REQUESTS / 2; i++) {
            requests->spread[i] = requests->spread[2 * i];
        }
        requests->count /= 2;
        requests->stride *= 2;
    }
    if (requests->finished % requests->stride == 0) {
        requests->spread[requests->count++] = *request;
    }
}

static void add_latencies(struct run_curves *curves, const struct curve_request *request)
{
    double answer_s = request->last_token_s - request->first_token_s;
    const double values[CURVE_LATENCIES] = {
        [CURVE_TTFT] = request->first_token_s - request->sent_s,
        [CURVE_TTFVT] = request->first_visible_s - request->sent_s,
        [CURVE_TPOT] =
            request->output_tokens > 1 ? answer_s / (request->output_tokens - 1) : (double)NAN,
        [CURVE_E2E] = e2e_s(request)};
    for (size_t i = 0; i < CURVE_LATENCIES; i++) {
        if (!isnan(values[i])) {
            samples_add(&curves->latencies[i], values[i]);
        }
    }
}

static bool take_request(void *to, const struct csv_reader *csv, struct error *error)
{
    static const char *const names[] = {"request_id",    "output_tokens",   "sent_s",
                                        "first_token_s", "first_visible_s", "last_token_s"};
    struct run_curves *curves = to;
    struct curve_requests *requests = &curves->requests;
    double values[6];
    size_t dataset = 0;
    if (!read_numbers(csv, names, 6, values, error) ||
        !csv_require(csv, "dataset", &dataset, error)) {
        return false;
    }
    if (isnan(values[0]) || isnan(values[2]) || isnan(values[5])) {
        return true; /* it was refused */
    }
    const struct curve_request request = {(uint32_t)values[0],
                                          number_dataset(requests, csv->fields[dataset]),
                                          values[1],
                                          values[2],
                                          values[3],
                                          values[4],
                                          values[5]};
    keep_longest(requests, &request);
    keep_spread(requests, &request);
    requests->finished++;
    add_latencies(curves, &request);
    return true;
}

/* A number below an object, by the names on the way to it; NAN when there is none. */
static double number_below(const struct json *object, const char *const *names)
{
    double value = NAN;
    for (; object != NULL && *names != NULL; names++) {
        object = json_is_object(object) ? json_find(object, *names) : NULL;
    }
    return object != NULL && json_number(object, &value) ? value : (double)NAN;
}

/* Percentiles are the members "p50", "p99.9"; what else a latency has is passed over. */
static void read_percentiles(struct run_curves *curves, enum curve_latency latency,
                             const struct json *figures)
{
    for (const struct json *figure = figures != NULL ? json_first(figures) : NULL; figure != NULL;
         figure = json_next(figure)) {
        const char *name = json_name(figure);
        struct curve_percentile percentile;
        percentile.interval =
            (struct interval){number_below(figure, (const char *const[]){"mean", NULL}),
                              number_below(figure, (const char *const[]){"low", NULL}),
                              number_below(figure, (const char *const[]){"high", NULL})};
        size_t *count = &curves->percentile_count[latency];
        if (name[0] == 'p' && text_to_double(name + 1, &percentile.percent) &&
            !isnan(percentile.interval.low) && !isnan(percentile.interval.high) &&
            *count < RUN_CURVES_MAX_PERCENTILES) {
            curves->percentiles[latency][(*count)++] = percentile;
        }
    }
}

static void take_summary(struct run_curves *curves, const struct json *summary)
{
    static const char *const latencies[CURVE_LATENCIES] = {"ttft_s", "ttfvt_s", "tpot_s", "e2e_s"};
    const struct json *scenario = json_find(summary, "scenario");
    const struct json *name = scenario != NULL ? json_find(scenario, "name") : NULL;
    if (name != NULL && json_text(name) != NULL) {
        snprintf(curves->label, sizeof curves->label, "%.127s", json_text(name));
    }
    const struct json *replications = json_find(summary, "replications");
    if (replications ==
        NULL) { /* else they are means of several runs, and the timeline is of one */
        curves->kv_mean =
            number_below(summary, (const char *const[]){"results", "kv_utilization", "mean", NULL});
        curves->running_peak =
            number_below(summary, (const char *const[]){"results", "running", "peak", NULL});
        curves->waiting_peak =
            number_below(summary, (const char *const[]){"results", "waiting", "peak", NULL});
    }
    const struct json *intervals =
        replications != NULL ? json_find(replications, "intervals") : NULL;
    for (size_t i = 0; intervals != NULL && i < CURVE_LATENCIES; i++) {
        read_percentiles(curves, (enum curve_latency)i, json_find(intervals, latencies[i]));
    }
}

static bool read_summary(struct run_curves *curves, const char *directory, struct error *error)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct json *summary = NULL;
    bool found = false;
    if (!find_file(directory, "summary.json", path, sizeof path, &found, error)) {
        return false;
    }
    if (!found) {
        return true;
    }
    if (!json_read_file(path, &summary, error)) {
        return false;
    }
    bool ok = json_is_object(summary) || error_set(error, "%s: expected an object", path);
    if (ok) {
        take_summary(curves, summary);
    }
    json_destroy(summary);
    return ok;
}

bool run_curves_read(struct run_curves *curves, const char *directory, struct error *error)
{
    *curves = (struct run_curves){.kv_mean = NAN, .running_peak = NAN, .waiting_peak = NAN};
    struct curve_timeline *timelines[] = {&curves->timeline, &curves->contrast};
    for (size_t i = 0; i < 2; i++) {
        timelines[i]->samples =
            memory_zeroed(RUN_CURVES_MAX_SAMPLES, sizeof timelines[i]->samples[0]);
        timelines[i]->stride = 1;
    }
    curves->requests.spread =
        memory_zeroed(RUN_CURVES_MAX_REQUESTS, sizeof curves->requests.spread[0]);
    curves->requests.stride = 1;
    for (size_t i = 0; i < CURVE_LATENCIES; i++) {
        samples_init(&curves->latencies[i]);
    }
    snprintf(curves->label, sizeof curves->label, "%.127s", directory);
    return read_summary(curves, directory, error) &&
           read_table(directory, "timeline.csv", &curves->timeline, take_sample, error) &&
           read_table(directory, "contrast_timeline.csv", &curves->contrast, take_sample, error) &&
           read_table(directory, "requests.csv", curves, take_request, error);
}

void run_curves_clear(struct run_curves *curves)
{
    free(curves->timeline.samples);
    free(curves->contrast.samples);
    free(curves->requests.spread);
    for (size_t i = 0; i < CURVE_LATENCIES; i++) {
        samples_clear(&curves->latencies[i]);
    }
    *curves = (struct run_curves){.kv_mean = NAN};
}
