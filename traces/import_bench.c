/* What load generators write down of a benchmark: lengths and, where they keep them, times of
 * sending. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json_lines.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "traces/import.h"

/* One of the benchmarks that a file holds: the only one, or the one asked for. */
static bool choose_part(const struct import_settings *settings, uint32_t parts, uint32_t *ret_part,
                        struct error *error)
{
    if (settings->part > parts || parts == 0) {
        return error_set(error, "%s: holds %u benchmarks, there is no number %u", settings->path,
                         parts, settings->part);
    }
    if (settings->part == 0 && parts > 1) {
        return error_set(error, "%s: holds %u benchmarks; say which with --part 1 to %u",
                         settings->path, parts, parts);
    }
    *ret_part = settings->part > 0 ? settings->part : 1;
    return true;
}

/* A whole number of tokens; null and none count as 0. */
static bool tokens_of(const struct json *item, const char *name, const char *path, uint64_t line,
                      uint32_t *ret_tokens, struct error *error)
{
    double value = 0;
    *ret_tokens = 0;
    if (item == NULL || text_equal(json_type(item), "null")) {
        return true;
    }
    if (!json_number(item, &value) || value < 0 || value > UINT32_MAX || value != floor(value)) {
        return error_set(error, "%s:%llu: '%s' must be a whole number of tokens, got %s", path,
                         (unsigned long long)line, name, json_type(item));
    }
    *ret_tokens = (uint32_t)value;
    return true;
}

static bool find_array(const struct json *result, const char *path, const char *name,
                       const struct json **ret_first, struct error *error)
{
    const struct json *array = json_find(result, name);
    if (array == NULL || !json_is_array(array)) {
        return error_set(error,
                         "%s: the array '%s' is missing; was the result saved with its details "
                         "(--save-detailed, --output-details)?",
                         path, name);
    }
    *ret_first = json_first(array);
    return true;
}

/* Arrivals of a result without times of sending: drawn as the benchmark drew them, with Gamma gaps
 * at its rate, or all at once. */
struct drawn_arrivals {
    struct random_stream *random; /* NULL: times are in the file */
    double rate_per_s;            /* infinite: all at once */
    double burstiness;
    double at_s;
};

static bool draw_arrivals(const struct json *result, const struct import_settings *settings,
                          struct drawn_arrivals *drawn, struct import_requests *requests,
                          struct error *error)
{
    const struct json *rate = json_find(result, "request_rate");
    const struct json *burstiness = json_find(result, "burstiness");
    const char *text = rate != NULL ? json_text(rate) : NULL;
    drawn->rate_per_s = text != NULL && text_equal(text, "inf") ? INFINITY : NAN;
    drawn->burstiness = 1;
    if (rate != NULL && isnan(drawn->rate_per_s)) {
        json_number(rate, &drawn->rate_per_s);
    }
    if (burstiness != NULL) {
        json_number(burstiness, &drawn->burstiness);
    }
    if (!(drawn->rate_per_s > 0) || !(drawn->burstiness > 0)) {
        return error_set(error,
                         "%s: neither 'start_times' nor a 'request_rate' above 0 is there: when "
                         "requests were sent is not known",
                         settings->path);
    }
    drawn->random = random_create(settings->seed, "bench arrivals");
    if (isinf(drawn->rate_per_s)) {
        snprintf(requests->note, sizeof requests->note,
                 "the file has no times of sending: at its rate without limit, all come at once");
    } else {
        snprintf(requests->note, sizeof requests->note,
                 "the file has no times of sending: arrivals are drawn at its rate of %g/s, "
                 "burstiness %g, seed %llu",
                 drawn->rate_per_s, drawn->burstiness, (unsigned long long)settings->seed);
    }
    return true;
}

static double next_arrival_s(struct drawn_arrivals *drawn)
{
    double at_s = drawn->at_s;
    if (!isinf(drawn->rate_per_s)) {
        drawn->at_s += random_gamma(drawn->random, drawn->burstiness,
                                    1 / (drawn->rate_per_s * drawn->burstiness));
    }
    return at_s;
}

/* Whether the benchmark says that the request failed; an empty text is no error. */
static bool has_failed(const struct json *item)
{
    const char *text = item != NULL ? json_text(item) : NULL;
    return text != NULL && text[0] != '\0';
}

/* Arrays with an item a request. */
struct columns {
    const struct json *inputs;
    const struct json *outputs;
    const struct json *errors; /* NULL: none */
    const struct json *starts; /* NULL: none */
};

static bool add_rows(struct columns *at, struct drawn_arrivals *drawn,
                     const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    bool ok = true;
    for (uint64_t row = 1; ok && at->inputs != NULL && at->outputs != NULL; row++) {
        struct trace_request request = {.arrival_s = 0};
        if (drawn->random != NULL) {
            request.arrival_s = next_arrival_s(drawn);
        } else if (at->starts == NULL || !json_number(at->starts, &request.arrival_s)) {
            return error_set(error,
                             "%s: 'start_times' must hold a number a request, the %lluth is %s",
                             settings->path, (unsigned long long)row,
                             at->starts != NULL ? json_type(at->starts) : "missing");
        }
        ok = tokens_of(at->inputs, "input_lens", settings->path, row, &request.prompt_tokens,
                       error) &&
             tokens_of(at->outputs, "output_lens", settings->path, row, &request.output_tokens,
                       error);
        if (ok && has_failed(at->errors)) {
            import_skip_row(requests, IMPORT_FAILED);
        } else {
            ok = ok && import_add(requests, settings, &request, settings->path, row, error);
        }
        at->inputs = json_next(at->inputs);
        at->outputs = json_next(at->outputs);
        at->errors = at->errors != NULL ? json_next(at->errors) : NULL;
        at->starts = at->starts != NULL ? json_next(at->starts) : NULL;
    }
    return ok && ((at->inputs == NULL && at->outputs == NULL) ||
                  error_set(error, "%s: 'input_lens' and 'output_lens' are of different lengths",
                            settings->path));
}

static bool read_result(const struct json *result, const struct import_settings *settings,
                        struct import_requests *requests, struct error *error)
{
    struct columns columns = {.inputs = NULL};
    struct drawn_arrivals drawn = {.random = NULL};
    const struct json *starts = json_find(result, "start_times");
    const struct json *errors = json_find(result, "errors");
    if (!find_array(result, settings->path, "input_lens", &columns.inputs, error) ||
        !find_array(result, settings->path, "output_lens", &columns.outputs, error)) {
        return false;
    }
    columns.errors = errors != NULL ? json_first(errors) : NULL;
    columns.starts = starts != NULL ? json_first(starts) : NULL;
    requests->counts_from_first = true;
    bool ok =
        (columns.starts != NULL || draw_arrivals(result, settings, &drawn, requests, error)) &&
        add_rows(&columns, &drawn, settings, requests, error);
    random_destroy(drawn.random);
    return ok;
}

bool import_vllm_bench(const struct import_settings *settings, struct import_requests *requests,
                       struct error *error)
{
    struct json *result = NULL;
    uint32_t name = 0;
    bool ok = trace_names_add(&requests->names, "vllm-bench", &name, error) &&
              json_read_python_file(settings->path, &result, error) &&
              read_result(result, settings, requests, error);
    json_destroy(result);
    return ok;
}

/* A line a benchmark: those that were run into the same file. */
bool import_sglang_bench(const struct import_settings *settings, struct import_requests *requests,
                         struct error *error)
{
    struct json_lines lines;
    struct json *object = NULL;
    struct json *chosen = NULL;
    uint32_t parts = 0;
    uint32_t part = 0;
    uint32_t name = 0;
    bool ok = trace_names_add(&requests->names, "sglang-bench", &name, error) &&
              json_lines_open(&lines, settings->path, error);
    if (!ok) {
        return false;
    }
    lines.is_python = true;
    while ((ok = json_lines_next(&lines, &object, error)) && object != NULL) {
        parts++;
        if (parts == (settings->part > 0 ? settings->part : 1)) {
            chosen = object;
        } else {
            json_destroy(object);
        }
    }
    json_lines_close(&lines);
    ok = ok && choose_part(settings, parts, &part, error) &&
         read_result(chosen, settings, requests, error);
    json_destroy(chosen);
    return ok;
}

/* The time of sending, under the name of whichever version of GuideLLM wrote it. */
static bool guidellm_start(const struct json *request, double *ret_s)
{
    const struct json *info = json_find(request, "info");
    const struct json *timings = info != NULL ? json_find(info, "timings") : NULL;
    const struct json *places[] = {json_find(request, "request_start_time"),
                                   json_find(request, "start_time"),
                                   timings != NULL ? json_find(timings, "request_start") : NULL,
                                   timings != NULL ? json_find(timings, "resolve_start") : NULL};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (places[i] != NULL && json_number(places[i], ret_s)) {
            return true;
        }
    }
    return false;
}

static bool guidellm_requests(const struct json *benchmark, const struct import_settings *settings,
                              struct import_requests *requests, struct error *error)
{
    static const char *const failed[] = {"errored", "incomplete"};
    const struct json *all = json_find(benchmark, "requests");
    const struct json *good = all != NULL ? json_find(all, "successful") : NULL;
    if (good == NULL || !json_is_array(good)) {
        return error_set(error, "%s: the array 'requests.successful' of the benchmark is missing",
                         settings->path);
    }
    for (int i = 0; i < 2; i++) {
        const struct json *list = json_find(all, failed[i]);
        const struct json *item = list != NULL ? json_first(list) : NULL;
        for (; item != NULL; item = json_next(item)) {
            import_skip_row(requests, IMPORT_FAILED);
        }
    }
    uint64_t row = 1;
    for (const struct json *item = json_first(good); item != NULL; item = json_next(item), row++) {
        struct trace_request request = {.arrival_s = 0};
        if (!guidellm_start(item, &request.arrival_s)) {
            return error_set(error, "%s: request %llu: 'request_start_time' is missing",
                             settings->path, (unsigned long long)row);
        }
        if (!tokens_of(json_find(item, "prompt_tokens"), "prompt_tokens", settings->path, row,
                       &request.prompt_tokens, error) ||
            !tokens_of(json_find(item, "output_tokens"), "output_tokens", settings->path, row,
                       &request.output_tokens, error) ||
            !import_add(requests, settings, &request, settings->path, row, error)) {
            return false;
        }
    }
    return true;
}

bool import_guidellm(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    struct json *report = NULL;
    uint32_t parts = 0;
    uint32_t part = 0;
    uint32_t name = 0;
    requests->counts_from_first = true;
    bool ok = trace_names_add(&requests->names, "guidellm", &name, error) &&
              json_read_python_file(settings->path, &report, error);
    const struct json *list = ok ? json_find(report, "benchmarks") : NULL;
    const struct json *benchmark = list != NULL ? json_first(list) : NULL;
    if (ok && list == NULL) {
        ok = error_set(error, "%s: the array 'benchmarks' is missing", settings->path);
    }
    for (const struct json *item = benchmark; item != NULL; item = json_next(item)) {
        parts++;
    }
    ok = ok && choose_part(settings, parts, &part, error);
    for (uint32_t i = 1; ok && i < part; i++) {
        benchmark = json_next(benchmark);
    }
    ok = ok && guidellm_requests(benchmark, settings, requests, error);
    json_destroy(report);
    return ok;
}

/* A metric of AIPerf: a number, or an object with its value. */
static const struct json *metric_of(const struct json *metrics, const char *name)
{
    const struct json *metric = metrics != NULL ? json_find(metrics, name) : NULL;
    return metric != NULL && json_is_object(metric) ? json_find(metric, "value") : metric;
}

static bool aiperf_record(const struct json_lines *lines, const struct json *record,
                          const struct import_settings *settings, struct import_requests *requests,
                          struct error *error)
{
    const struct json *metadata = json_find(record, "metadata");
    const struct json *metrics = json_find(record, "metrics");
    const struct json *failure = json_find(record, "error");
    struct trace_request request = {.arrival_s = 0};
    double start_ns = 0;
    bool was_cancelled = false;
    if (metadata == NULL || metrics == NULL) {
        return error_set(
            error,
            "%s:%llu: expected a record with 'metadata' and 'metrics', as AIPerf's "
            "profile_export.jsonl holds; GenAI-Perf's profile_export.json has no token "
            "counts",
            lines->path, (unsigned long long)lines->line);
    }
    const struct json *phase = json_find(metadata, "benchmark_phase");
    const struct json *cancelled = json_find(metadata, "was_cancelled");
    if (phase != NULL && json_text(phase) != NULL && text_equal(json_text(phase), "warmup")) {
        import_skip_row(requests, IMPORT_WARM_UP);
        return true;
    }
    if ((failure != NULL && !text_equal(json_type(failure), "null")) ||
        (cancelled != NULL && json_bool(cancelled, &was_cancelled) && was_cancelled)) {
        import_skip_row(requests, IMPORT_FAILED);
        return true;
    }
    const uint64_t line = lines->line;
    if (!json_lines_number(lines, metadata, "request_start_ns", 1e19, &start_ns, error) ||
        !tokens_of(metric_of(metrics, "input_sequence_length"), "input_sequence_length",
                   lines->path, line, &request.prompt_tokens, error) ||
        !tokens_of(metric_of(metrics, "output_sequence_length"), "output_sequence_length",
                   lines->path, line, &request.output_tokens, error) ||
        !tokens_of(metric_of(metrics, "reasoning_token_count"), "reasoning_token_count",
                   lines->path, line, &request.reasoning_tokens, error)) {
        return false;
    }
    request.arrival_s = start_ns * 1e-9;
    return import_add(requests, settings, &request, lines->path, line, error);
}

bool import_aiperf(const struct import_settings *settings, struct import_requests *requests,
                   struct error *error)
{
    struct json_lines lines;
    struct json *record = NULL;
    uint32_t name = 0;
    requests->counts_from_first = true;
    bool ok = trace_names_add(&requests->names, "aiperf", &name, error) &&
              json_lines_open(&lines, settings->path, error);
    if (!ok) {
        return false;
    }
    lines.is_python = true;
    while (ok && (ok = json_lines_next(&lines, &record, error)) && record != NULL) {
        ok = aiperf_record(&lines, record, settings, requests, error);
        json_destroy(record);
    }
    json_lines_close(&lines);
    return ok;
}
