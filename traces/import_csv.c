/* Tables with a row a request. What a role's column may be called is listed once, for every table;
 * --columns names others. Times are ISO 8601 texts or numbers. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "traces/id_map.h"
#include "traces/import.h"

enum role {
    ROLE_ARRIVAL,
    ROLE_PROMPT,
    ROLE_OUTPUT,
    ROLE_REASONING,
    ROLE_MAX_OUTPUT,
    ROLE_PRIORITY,
    ROLE_DATASET,
    ROLE_CONVERSATION,
    ROLE_DELAY,
    ROLE_MODEL,
    ROLE_LOG_TYPE,
    ROLES
};

enum { MAX_NAMES = 24 };

static const struct {
    const char *name; /* as --columns calls it */
    bool required;
    const char *columns[MAX_NAMES]; /* whatever the case */
} roles[ROLES] = {
    [ROLE_ARRIVAL] = {"arrival",
                      true,
                      {"arrival_s", "arrival", "arrival_time", "arrival_time_s", "arrived_at",
                       "arrival_ms", "timestamp", "timestamp_s", "timestamp_ms", "time", "time_s",
                       "start_time", "request_time", "created_at", "created", "sent_s",
                       "send_time"}},
    [ROLE_PROMPT] = {"prompt",
                     true,
                     {"prompt_tokens", "input_tokens", "input_length", "input_len", "prompt_len",
                      "prompt_length", "contexttokens", "context_tokens", "request tokens",
                      "num_prefill_tokens", "prefill_tokens", "num_prompt_tokens",
                      "num_input_tokens", "isl"}},
    [ROLE_OUTPUT] = {"output",
                     true,
                     {"output_tokens", "completion_tokens", "generated_tokens", "generatedtokens",
                      "output_length", "output_len", "response_tokens", "response tokens",
                      "num_decode_tokens", "decode_tokens", "num_output_tokens", "osl"}},
    [ROLE_REASONING] = {"reasoning", false, {"reasoning_tokens", "thinking_tokens"}},
    [ROLE_MAX_OUTPUT] = {"max_output", false, {"max_output_tokens", "max_tokens"}},
    [ROLE_PRIORITY] = {"priority", false, {"priority"}},
    [ROLE_DATASET] = {"dataset", false, {"dataset"}},
    [ROLE_CONVERSATION] = {"conversation",
                           false,
                           {"conversation_id", "session_id", "session id", "conversation",
                            "session"}},
    [ROLE_DELAY] = {"delay", false, {"delay_s"}},
    [ROLE_MODEL] = {"model", false, {"model", "model_name"}},
    [ROLE_LOG_TYPE] = {"log_type", false, {"log type", "log_type"}},
};

/* A table being read. */
struct table {
    const struct import_settings *settings;
    struct import_requests *requests;
    struct csv_reader csv;
    int columns[ROLES]; /* -1: none */
    char *chosen;       /* a copy of --columns */
    enum time_unit unit;
    uint32_t dataset; /* of rows without one */
    bool has_dates;   /* texts, not numbers */
    struct id_map conversations;
};

/* "arrival=Start,prompt=In tokens": columns of the table by role. */
static bool choose_columns(struct table *table, struct error *error)
{
    const char *names[ROLES + 1] = {NULL};
    char *rest = NULL;
    for (int role = 0; role < ROLES; role++) {
        names[role] = roles[role].name;
    }
    table->chosen = memory_copy_text(table->settings->columns);
    for (char *pair = strtok_r(table->chosen, ",", &rest); pair != NULL;
         pair = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(pair, '=');
        int role = 0;
        if (equals == NULL) {
            return error_set(error, "--columns: expected ROLE=COLUMN, got '%s'", pair);
        }
        *equals = '\0';
        while (role < ROLES && !text_equal(pair, names[role])) {
            role++;
        }
        if (role == ROLES) {
            return text_error_unknown(error, "--columns: unknown role", pair, names,
                                      " (roles: arrival, prompt, output, reasoning, max_output, "
                                      "priority, dataset, conversation, delay, model, log_type)");
        }
        if (table->columns[role] >= 0) {
            return error_set(error, "--columns: '%s' is given twice", pair);
        }
        size_t column = 0;
        if (!csv_require(&table->csv, equals + 1, &column, error)) {
            return false;
        }
        table->columns[role] = (int)column;
    }
    return true;
}

static bool is_usual(enum role role, const char *name)
{
    for (int i = 0; i < MAX_NAMES && roles[role].columns[i] != NULL; i++) {
        if (strcasecmp(roles[role].columns[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Columns that were not chosen, by their usual names. */
static bool find_columns(struct table *table, struct error *error)
{
    for (int role = 0; role < ROLES; role++) {
        bool was_chosen = table->columns[role] >= 0;
        for (size_t i = 0; i < table->csv.columns && !was_chosen; i++) {
            if (!is_usual((enum role)role, table->csv.names[i])) {
                continue;
            }
            if (table->columns[role] >= 0) {
                return error_set(error,
                                 "%s:1: both '%s' and '%s' may be the column of '%s': say which "
                                 "with --columns %s=NAME",
                                 table->csv.path, table->csv.names[table->columns[role]],
                                 table->csv.names[i], roles[role].name, roles[role].name);
            }
            table->columns[role] = (int)i;
        }
        if (table->columns[role] < 0 && roles[role].required) {
            return error_set(error,
                             "%s:1: no column for '%s' is found; name it with --columns %s=NAME",
                             table->csv.path, roles[role].name, roles[role].name);
        }
    }
    return true;
}

/* A unit that the column's name ends with, as in "arrival_ms" and "Time (ms)". */
static enum time_unit unit_of_name(const char *name)
{
    for (int unit = TIME_UNIT_S; unit <= TIME_UNIT_NS; unit++) {
        char endings[2][8];
        size_t length = strlen(name);
        snprintf(endings[0], sizeof endings[0], "_%s", time_unit_name((enum time_unit)unit));
        snprintf(endings[1], sizeof endings[1], "(%s)", time_unit_name((enum time_unit)unit));
        for (int i = 0; i < 2; i++) {
            size_t end = strlen(endings[i]);
            if (length > end && strcasecmp(name + length - end, endings[i]) == 0) {
                return (enum time_unit)unit;
            }
        }
    }
    return TIME_UNIT_UNKNOWN;
}

/* The unit of numbers: what was said, what the column is called, or, for dates, what is plausible.
 */
static bool choose_unit(struct table *table, double value, struct error *error)
{
    const char *name = table->csv.names[table->columns[ROLE_ARRIVAL]];
    enum time_unit epoch = time_unit_of_epoch(value);
    enum time_unit said = table->settings->time_unit;
    if (said == TIME_UNIT_UNKNOWN) {
        said = table->unit != TIME_UNIT_UNKNOWN ? table->unit : unit_of_name(name);
    }
    if (said == TIME_UNIT_UNKNOWN && epoch == TIME_UNIT_UNKNOWN) {
        return error_set(error,
                         "%s:%llu: in which unit is '%s' %g? Say --time-unit s, ms, us or ns",
                         table->csv.path, (unsigned long long)table->csv.line, name, value);
    }
    if (said != TIME_UNIT_UNKNOWN && epoch != TIME_UNIT_UNKNOWN && said != epoch) {
        return error_set(error,
                         "%s:%llu: '%s' %.17g is taken for %s, but is a date of our time in %s; "
                         "say --time-unit %s, or count from 0",
                         table->csv.path, (unsigned long long)table->csv.line, name, value,
                         time_unit_name(said), time_unit_name(epoch), time_unit_name(epoch));
    }
    table->unit = said != TIME_UNIT_UNKNOWN ? said : epoch;
    table->requests->counts_from_first |= epoch != TIME_UNIT_UNKNOWN;
    return true;
}

static bool read_time(struct table *table, double *ret_s, struct error *error)
{
    const char *text = table->csv.fields[table->columns[ROLE_ARRIVAL]];
    double value = 0;
    if (timestamp_parse(text, ret_s) && (table->has_dates || table->requests->rows == 0)) {
        table->requests->counts_from_first = true;
        table->has_dates = true;
        return true;
    }
    if (!text_to_double(text, &value) || value < 0) {
        return error_set(error,
                         "%s:%llu: '%s' must be a time like 2023-11-16 18:15:46.68, "
                         "2024-05-10T00:00:00Z or a number of at least 0, got '%.60s'",
                         table->csv.path, (unsigned long long)table->csv.line,
                         table->csv.names[table->columns[ROLE_ARRIVAL]], text);
    }
    if (table->requests->rows == 0 && !choose_unit(table, value, error)) {
        return false;
    }
    if (table->has_dates) {
        return error_set(error, "%s:%llu: a number among dates: '%.60s'", table->csv.path,
                         (unsigned long long)table->csv.line, text);
    }
    *ret_s = value * time_unit_seconds(table->unit);
    return true;
}

/* A whole number; an empty optional field leaves the value alone. */
static bool read_count(const struct table *table, enum role role, uint32_t *value,
                       struct error *error)
{
    int column = table->columns[role];
    double number = 0;
    if (column < 0 || (table->csv.fields[column][0] == '\0' && !roles[role].required)) {
        return true;
    }
    /* "374.0" is a whole number too: tables that have been through data frames hold such. */
    if (!text_to_whole(table->csv.fields[column], UINT32_MAX, &number)) {
        return csv_whole(&table->csv, (size_t)column, 0, value, error);
    }
    *value = (uint32_t)number;
    return true;
}

/* In our own traces, conversation 0 is none. */
static bool is_named(const struct table *table, int conversation)
{
    const char *name = table->csv.fields[conversation];
    return name[0] != '\0' && !(text_equal(name, "0") &&
                                text_equal(table->csv.names[conversation], "conversation_id"));
}

/* A delay makes the request wait for the answer before it in its conversation. */
static bool read_delay(const struct table *table, struct trace_request *request,
                       struct error *error)
{
    int column = table->columns[ROLE_DELAY];
    if (column < 0 || table->csv.fields[column][0] == '\0') {
        return true;
    }
    request->follows_answer = true;
    return csv_double(&table->csv, (size_t)column, 0, MAX_TIME_S, &request->delay_s, error);
}

static bool read_names(struct table *table, struct trace_request *request, struct error *error)
{
    int conversation = table->columns[ROLE_CONVERSATION];
    int dataset = table->columns[ROLE_DATASET];
    request->dataset = table->dataset;
    if (dataset >= 0 && !trace_names_add(&table->requests->names, table->csv.fields[dataset],
                                         &request->dataset, error)) {
        return error_add_place(error, "%s:%llu", table->csv.path,
                               (unsigned long long)table->csv.line);
    }
    if (conversation >= 0 && is_named(table, conversation)) {
        request->conversation_id =
            1 + id_map_number_text(&table->conversations, table->csv.fields[conversation]);
    }
    return read_delay(table, request, error);
}

/* Whether the row is of the model and log type asked for. */
static bool is_wanted(const struct table *table)
{
    const struct {
        const char *wanted;
        enum role role;
    } filters[] = {{table->settings->model, ROLE_MODEL},
                   {table->settings->log_type, ROLE_LOG_TYPE}};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        if (filters[i].wanted != NULL &&
            strcasecmp(table->csv.fields[table->columns[filters[i].role]], filters[i].wanted) !=
                0) {
            return false;
        }
    }
    return true;
}

static bool check_filters(const struct table *table, struct error *error)
{
    if (table->settings->model != NULL && table->columns[ROLE_MODEL] < 0) {
        return error_set(error, "%s:1: --model: there is no column 'Model'", table->csv.path);
    }
    if (table->settings->log_type != NULL && table->columns[ROLE_LOG_TYPE] < 0) {
        return error_set(error, "%s:1: --log-type: there is no column 'Log Type'", table->csv.path);
    }
    return true;
}

static bool read_row(struct table *table, struct error *error)
{
    struct trace_request request = {.arrival_s = 0};
    uint32_t priority = 0;
    if (!read_time(table, &request.arrival_s, error) ||
        !read_count(table, ROLE_PROMPT, &request.prompt_tokens, error) ||
        !read_count(table, ROLE_OUTPUT, &request.output_tokens, error) ||
        !read_count(table, ROLE_REASONING, &request.reasoning_tokens, error) ||
        !read_count(table, ROLE_MAX_OUTPUT, &request.max_output_tokens, error) ||
        !read_count(table, ROLE_PRIORITY, &priority, error) ||
        !read_names(table, &request, error)) {
        return false;
    }
    if (!is_wanted(table)) {
        import_skip_row(table->requests, IMPORT_OTHER);
        return true;
    }
    request.priority = (int32_t)(priority < INT32_MAX ? priority : INT32_MAX);
    return import_add(table->requests, table->settings, &request, table->csv.path, table->csv.line,
                      error);
}

/* Reads a table whose numbers are in 'unit', if that is known, under the name of its source. */
static bool read_table(const struct import_settings *settings, struct import_requests *requests,
                       const char *source, enum time_unit unit, struct error *error)
{
    struct table table = {.settings = settings, .requests = requests, .unit = unit};
    bool more = true;
    for (int role = 0; role < ROLES; role++) {
        table.columns[role] = -1;
    }
    if (!csv_open(&table.csv, settings->path, NULL, error)) {
        return false;
    }
    bool ok = (settings->columns == NULL || choose_columns(&table, error)) &&
              find_columns(&table, error) && check_filters(&table, error) &&
              (table.columns[ROLE_DATASET] >= 0 ||
               trace_names_add(&requests->names, source, &table.dataset, error));
    while (ok && (ok = csv_next(&table.csv, &more, error)) && more) {
        ok = read_row(&table, error);
    }
    csv_close(&table.csv);
    id_map_clear(&table.conversations);
    free(table.chosen);
    return ok;
}

bool import_azure(const struct import_settings *settings, struct import_requests *requests,
                  struct error *error)
{
    return read_table(settings, requests, "azure", TIME_UNIT_UNKNOWN, error);
}

bool import_burstgpt(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    requests->counts_from_first = true;
    return read_table(settings, requests, "burstgpt", TIME_UNIT_S, error);
}

bool import_csv(const struct import_settings *settings, struct import_requests *requests,
                struct error *error)
{
    return read_table(settings, requests, "table", TIME_UNIT_UNKNOWN, error);
}
