#include "traces/import.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

void import_add(struct import_requests *requests, const struct import_settings *settings,
                const struct trace_request *request)
{
    assert(request->reasoning_tokens <= request->output_tokens);
    assert(request->prefix_tokens <= request->prompt_tokens);
    if (request->prompt_tokens == 0 || request->output_tokens == 0) {
        requests->skipped++;
        return;
    }
    if (request->arrival_s >= settings->from_s && request->arrival_s < settings->until_s) {
        requests->requests = memory_grow(requests->requests, &requests->capacity,
                                         requests->count + 1, sizeof requests->requests[0]);
        requests->requests[requests->count++] = *request;
    }
}

static bool read_count(const struct csv_reader *csv, const char *name, uint32_t *ret_value,
                       struct error *error)
{
    size_t column = 0;
    return csv_require(csv, name, &column, error) && csv_whole(csv, column, 0, ret_value, error);
}

/* "2023-11-16 18:15:46.6805900", in seconds from some day. */
static bool read_timestamp(const struct csv_reader *csv, size_t column, double *ret_s,
                           struct error *error)
{
    struct tm day = {0};
    const char *rest = strptime(csv->fields[column], "%Y-%m-%d %H:%M:%S", &day);
    double fraction = 0;
    bool is_whole = rest != NULL && *rest == '\0';
    if (!is_whole && (rest == NULL || *rest != '.' || !text_to_double(rest, &fraction))) {
        return error_set(
            error, "%s:%llu: '%s' must be a time like 2023-11-16 18:15:46.68, got '%s'", csv->path,
            (unsigned long long)csv->line, csv->names[column], csv->fields[column]);
    }
    *ret_s = (double)timegm(&day) + fraction;
    return true;
}

static bool read_seconds(const struct csv_reader *csv, size_t column, double *ret_s,
                         struct error *error)
{
    return csv_double(csv, column, 0, MAX_TIME_S, ret_s, error);
}

/* A table with a row a request. */
struct row_format {
    const char *dataset;
    const char *time;
    bool (*read_time)(const struct csv_reader *csv, size_t column, double *ret_s,
                      struct error *error);
    bool counts_from_first; /* time begins with the first row */
    const char *prompt;
    const char *output;
    const char *reasoning; /* a column that may be missing; NULL: there is none */
};

static bool read_row(const struct row_format *format, const struct csv_reader *csv, double *first_s,
                     struct trace_request *request, struct error *error)
{
    size_t column = 0;
    double at_s = 0;
    if (!csv_require(csv, format->time, &column, error) ||
        !format->read_time(csv, column, &at_s, error)) {
        return false;
    }
    *first_s = *first_s < 0 ? at_s : *first_s;
    request->arrival_s = format->counts_from_first ? at_s - *first_s : at_s;
    if (!read_count(csv, format->prompt, &request->prompt_tokens, error) ||
        !read_count(csv, format->output, &request->output_tokens, error) ||
        (format->reasoning != NULL && csv_find(csv, format->reasoning) >= 0 &&
         !read_count(csv, format->reasoning, &request->reasoning_tokens, error))) {
        return false;
    }
    return request->reasoning_tokens <= request->output_tokens ||
           error_set(error, "%s:%llu: '%s' must be at most '%s', got %u and %u", csv->path,
                     (unsigned long long)csv->line, format->reasoning, format->output,
                     request->reasoning_tokens, request->output_tokens);
}

static bool read_rows(const struct row_format *format, const struct import_settings *settings,
                      struct import_requests *requests, struct error *error)
{
    struct csv_reader csv;
    bool more = true;
    double first_s = -1;
    uint32_t name = 0;
    if (!trace_names_add(&requests->names, format->dataset, &name, error) ||
        !csv_open(&csv, settings->path, NULL, error)) {
        return false;
    }
    bool ok = true;
    while ((ok = csv_next(&csv, &more, error)) && more) {
        struct trace_request request = {.dataset = name};
        if (!read_row(format, &csv, &first_s, &request, error)) {
            ok = false;
            break;
        }
        import_add(requests, settings, &request);
    }
    csv_close(&csv);
    return ok;
}

static bool read_azure(const struct import_settings *settings, struct import_requests *requests,
                       struct error *error)
{
    static const struct row_format format = {.dataset = "azure",
                                             .time = "TIMESTAMP",
                                             .read_time = read_timestamp,
                                             .counts_from_first = true,
                                             .prompt = "ContextTokens",
                                             .output = "GeneratedTokens"};
    return read_rows(&format, settings, requests, error);
}

static bool read_burstgpt(const struct import_settings *settings, struct import_requests *requests,
                          struct error *error)
{
    static const struct row_format format = {.dataset = "burstgpt",
                                             .time = "Timestamp",
                                             .read_time = read_seconds,
                                             .counts_from_first = true,
                                             .prompt = "Request tokens",
                                             .output = "Response tokens"};
    return read_rows(&format, settings, requests, error);
}

static bool read_table(const struct import_settings *settings, struct import_requests *requests,
                       struct error *error)
{
    static const struct row_format format = {.dataset = "table",
                                             .time = "arrival_s",
                                             .read_time = read_seconds,
                                             .prompt = "input_tokens",
                                             .output = "output_tokens",
                                             .reasoning = "reasoning_tokens"};
    return read_rows(&format, settings, requests, error);
}

const struct import_format import_formats[] = {
    {"azure", "Azure LLM inference 2023 (TIMESTAMP,ContextTokens,GeneratedTokens)", read_azure},
    {"burstgpt", "BurstGPT (Timestamp,Model,Request tokens,Response tokens,...)", read_burstgpt},
    {"mooncake", "Mooncake JSON Lines, also gzipped, with what prompts share", import_mooncake},
    {"servegen", "ServeGen client rates, drawn with --lengths CLIENTS.jsonl", import_servegen},
    {"table", "arrival_s,input_tokens,output_tokens[,reasoning_tokens]", read_table},
    {NULL, NULL, NULL},
};

static int compare_arrivals(const void *a, const void *b)
{
    const struct trace_request *first = a;
    const struct trace_request *second = b;
    return (first->arrival_s > second->arrival_s) - (first->arrival_s < second->arrival_s);
}

bool import_read(const struct import_format *format, const struct import_settings *settings,
                 struct import_requests *requests, struct error *error)
{
    assert(format->read != NULL);
    memset(requests, 0, sizeof *requests);
    if (!format->read(settings, requests, error)) {
        import_clear(requests);
        return false;
    }
    if (requests->count == 0) {
        import_clear(requests);
        return error_set(error, "%s: no requests from %g to %g s", settings->path, settings->from_s,
                         settings->until_s);
    }
    qsort(requests->requests, requests->count, sizeof requests->requests[0], compare_arrivals);
    for (uint64_t i = 0; i < requests->count; i++) {
        requests->requests[i].arrival_s -= settings->from_s;
        requests->requests[i].max_output_tokens = requests->requests[i].output_tokens;
    }
    return true;
}

void import_clear(struct import_requests *requests)
{
    free(requests->requests);
    memset(requests, 0, sizeof *requests);
}
