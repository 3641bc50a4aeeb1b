#include "traces/trace.h"

#include <string.h>

#include "sim/base/text.h"
#include "sim/base/units.h"

static const char *const columns[] = {"arrival_s",         "prompt_tokens",
                                      "output_tokens",     "reasoning_tokens",
                                      "max_output_tokens", "priority",
                                      "dataset",           "prefix_id",
                                      "prefix_tokens",     "conversation_id",
                                      "delay_s",           "user",
                                      "deadline_s",        NULL};
enum { MAX_USER = 1000000 };

/* Columns that are read and not written. */
static const char *const read_only[] = {"user", "deadline_s", NULL};

bool trace_names_add(struct trace_names *names, const char *name, uint32_t *ret_index,
                     struct error *error)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (text_equal(names->names[i], name)) {
            *ret_index = i;
            return true;
        }
    }
    if (names->count == TRACE_MAX_DATASETS) {
        return error_set(error, "dataset '%.40s': more than %d datasets", name, TRACE_MAX_DATASETS);
    }
    if (!text_copy(names->names[names->count], TRACE_DATASET_BYTES, name)) {
        return error_set(error, "dataset '%.60s': name is longer than %d characters", name,
                         TRACE_DATASET_BYTES - 1);
    }
    *ret_index = names->count++;
    return true;
}

bool trace_reader_open(struct trace_reader *reader, const char *path, struct error *error)
{
    reader->last_arrival_s = 0;
    if (!csv_open(&reader->csv, path, columns, error)) {
        return false;
    }
    size_t column = 0;
    bool ok = csv_require(&reader->csv, "arrival_s", &column, error) &&
              csv_require(&reader->csv, "prompt_tokens", &column, error) &&
              csv_require(&reader->csv, "output_tokens", &column, error);
    if (!ok) {
        csv_close(&reader->csv);
    }
    return ok;
}

void trace_reader_close(struct trace_reader *reader)
{
    csv_close(&reader->csv);
}

static bool is_set(const struct csv_reader *csv, int column)
{
    const char *field = column >= 0 ? csv->fields[column] : "";
    return field[0] != '\0' && !text_equal(field, "0");
}

bool trace_has_sharing(const char *path)
{
    struct csv_reader csv;
    struct error ignored;
    bool shares = false;
    bool more = true;
    if (!csv_open(&csv, path, columns, &ignored)) {
        return false;
    }
    int prefix = csv_find(&csv, "prefix_id");
    int conversation = csv_find(&csv, "conversation_id");
    while (more && !shares && (prefix >= 0 || conversation >= 0)) {
        more = csv_next(&csv, &more, &ignored) && more;
        shares = more && (is_set(&csv, prefix) || is_set(&csv, conversation));
    }
    csv_close(&csv);
    return shares;
}

/* A whole number that may be left out. */
static bool optional(const struct csv_reader *csv, const char *name, uint32_t minimum,
                     uint32_t *value, struct error *error)
{
    int column = csv_find(csv, name);
    return column < 0 || csv->fields[column][0] == '\0' ||
           csv_whole(csv, (size_t)column, minimum, value, error);
}

static bool read_deadline(const struct csv_reader *csv, struct trace_request *request,
                          struct error *error)
{
    int column = csv_find(csv, "deadline_s");
    return column < 0 || csv->fields[column][0] == '\0' ||
           csv_double(csv, (size_t)column, 0, MAX_TIME_S, &request->deadline_s, error);
}

/* A delay makes the request wait for the answer before it in its conversation. */
static bool read_delay(const struct csv_reader *csv, struct trace_request *request,
                       struct error *error)
{
    int column = csv_find(csv, "delay_s");
    if (column < 0 || csv->fields[column][0] == '\0') {
        return true;
    }
    request->follows_answer = true;
    if (request->conversation_id == 0) {
        return error_set(error, "%s:%llu: 'delay_s' needs a 'conversation_id'", csv->path,
                         (unsigned long long)csv->line);
    }
    return csv_double(csv, (size_t)column, 0, MAX_TIME_S, &request->delay_s, error);
}

static bool read_numbers(const struct csv_reader *csv, struct trace_request *request,
                         struct error *error)
{
    uint32_t priority = 0;
    if (!csv_double(csv, (size_t)csv_find(csv, "arrival_s"), 0, MAX_TIME_S, &request->arrival_s,
                    error) ||
        !csv_whole(csv, (size_t)csv_find(csv, "prompt_tokens"), 1, &request->prompt_tokens,
                   error) ||
        !csv_whole(csv, (size_t)csv_find(csv, "output_tokens"), 1, &request->output_tokens,
                   error)) {
        return false;
    }
    request->max_output_tokens = request->output_tokens;
    if (!optional(csv, "reasoning_tokens", 0, &request->reasoning_tokens, error) ||
        !optional(csv, "max_output_tokens", 1, &request->max_output_tokens, error) ||
        !optional(csv, "priority", 0, &priority, error) ||
        !optional(csv, "prefix_id", 0, &request->prefix_id, error) ||
        !optional(csv, "prefix_tokens", 0, &request->prefix_tokens, error) ||
        !optional(csv, "conversation_id", 0, &request->conversation_id, error) ||
        !optional(csv, "user", 0, &request->user, error) || !read_deadline(csv, request, error)) {
        return false;
    }
    request->priority = (int32_t)(priority < INT32_MAX ? priority : INT32_MAX);
    return read_delay(csv, request, error);
}

static bool check(const struct trace_reader *reader, const struct trace_request *request,
                  struct error *error)
{
    const struct csv_reader *csv = &reader->csv;
    unsigned long long line = csv->line;
    if (request->arrival_s < reader->last_arrival_s) {
        return error_set(error, "%s:%llu: 'arrival_s' goes back from %.9g to %.9g", csv->path, line,
                         reader->last_arrival_s, request->arrival_s);
    }
    if (request->reasoning_tokens > request->output_tokens) {
        return error_set(error, "%s:%llu: 'reasoning_tokens' %u exceeds 'output_tokens' %u",
                         csv->path, line, request->reasoning_tokens, request->output_tokens);
    }
    if (request->user > MAX_USER) {
        return error_set(error, "%s:%llu: 'user' must be at most %d, got %u", csv->path, line,
                         MAX_USER, request->user);
    }
    if (request->prompt_tokens > 1u << 30 || request->output_tokens > 1u << 30) {
        return error_set(error, "%s:%llu: more than 2^30 tokens", csv->path, line);
    }
    return true;
}

bool trace_reader_next(struct trace_reader *reader, struct trace_names *names,
                       struct trace_request *ret_request, bool *ret_more, struct error *error)
{
    if (!csv_next(&reader->csv, ret_more, error)) {
        return false;
    }
    if (!*ret_more) {
        return true;
    }
    struct trace_request request = {0};
    int dataset = csv_find(&reader->csv, "dataset");
    const char *name = dataset < 0 ? "trace" : reader->csv.fields[dataset];
    if (!read_numbers(&reader->csv, &request, error) || !check(reader, &request, error)) {
        return false;
    }
    if (!trace_names_add(names, name, &request.dataset, error)) {
        return error_add_place(error, "%s:%llu", reader->csv.path,
                               (unsigned long long)reader->csv.line);
    }
    if (csv_find(&reader->csv, "user") < 0) {
        request.user = request.dataset;
    }
    reader->last_arrival_s = request.arrival_s;
    *ret_request = request;
    return true;
}

static bool is_read_only(const char *column)
{
    size_t i = 0;
    while (read_only[i] != NULL && !text_equal(read_only[i], column)) {
        i++;
    }
    return read_only[i] != NULL;
}

void trace_write_header(FILE *stream, bool has_delays)
{
    for (size_t i = 0; columns[i] != NULL; i++) {
        bool is_written =
            !is_read_only(columns[i]) && (has_delays || !text_equal(columns[i], "delay_s"));
        if (is_written) {
            fprintf(stream, "%s%s", i > 0 ? "," : "", columns[i]);
        }
    }
    fputc('\n', stream);
}

/* A name that holds a comma or a quote is quoted. */
static void write_name(FILE *stream, const char *name)
{
    if (strpbrk(name, ",\"") == NULL) {
        fputs(name, stream);
        return;
    }
    fputc('"', stream);
    for (; *name != '\0'; name++) {
        fputs(*name == '"' ? "\"\"" : (const char[]){*name, '\0'}, stream);
    }
    fputc('"', stream);
}

void trace_write(FILE *stream, const struct trace_request *request, const struct trace_names *names,
                 bool has_delays)
{
    fprintf(stream, "%.6f,%u,%u,%u,%u,%d,", request->arrival_s, request->prompt_tokens,
            request->output_tokens, request->reasoning_tokens, request->max_output_tokens,
            request->priority);
    write_name(stream, names->names[request->dataset]);
    fprintf(stream, ",%u,%u,%u", request->prefix_id, request->prefix_tokens,
            request->conversation_id);
    if (has_delays && request->follows_answer) {
        fprintf(stream, ",%.6f", request->delay_s);
    } else if (has_delays) {
        fputc(',', stream);
    }
    fputc('\n', stream);
}
