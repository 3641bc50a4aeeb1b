#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/output_file.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/cli/options.h"
#include "traces/import.h"
#include "traces/import_summary.h"

static bool find_format(const char *name, const struct import_format **ret_format,
                        struct error *error)
{
    enum { MAX_FORMATS = 16 };
    const char *names[MAX_FORMATS] = {NULL};
    char list[256] = " (formats:";
    for (size_t i = 0; import_formats[i].name != NULL && i + 1 < MAX_FORMATS; i++) {
        const struct import_format *format = &import_formats[i];
        names[i] = format->name;
        if (text_equal(name, format->name) ||
            (format->other_name != NULL && text_equal(name, format->other_name))) {
            *ret_format = format;
            return true;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, " %s", names[i]);
    }
    strncat(list, ")", sizeof list - strlen(list) - 1);
    return text_error_unknown(error, "unknown trace format", name, names, list);
}

static void list_formats(FILE *stream)
{
    fprintf(stream, "formats:\n");
    for (size_t i = 0; import_formats[i].name != NULL; i++) {
        fprintf(stream, "  %-12s %s\n", import_formats[i].name, import_formats[i].summary);
    }
}

static bool write_requests(const struct import_requests *requests, const char *path,
                           struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, NULL, path, error)) {
        return false;
    }
    bool has_delays = false;
    for (uint64_t i = 0; i < requests->count; i++) {
        has_delays |= requests->requests[i].follows_answer;
    }
    trace_write_header(file.stream, has_delays);
    for (uint64_t i = 0; i < requests->count && ferror(file.stream) == 0; i++) {
        trace_write(file.stream, &requests->requests[i], &requests->names, has_delays);
    }
    return output_file_commit(&file, error);
}

static bool read_time(const char *text, const char *option, double *ret_s, struct error *error)
{
    return text == NULL || (text_to_double(text, ret_s) && *ret_s >= 0) ||
           error_set(error, "%s must be a number of seconds, got '%s'", option, text);
}

static bool read_seed(const char *text, uint64_t *ret_seed, struct error *error)
{
    double seed = 0;
    if (!text_to_whole(text, MAX_SEED, &seed)) {
        return error_set(error, "--seed must be a whole number from 0 to 2^53 - 1, got '%s'", text);
    }
    *ret_seed = (uint64_t)seed;
    return true;
}

static bool read_whole(const char *text, const char *option, uint32_t *ret_value,
                       struct error *error)
{
    double value = 0;
    if (text != NULL && (!text_to_whole(text, 1 << 20, &value) || value < 1)) {
        return error_set(error, "%s must be a whole number from 1 to 2^20, got '%s'", option, text);
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* Options as they were given. */
struct import_texts {
    const char *from;
    const char *until;
    const char *seed;
    const char *time_unit;
    const char *block_tokens;
    const char *part;
};

static bool read_options(const struct import_texts *texts, struct import_settings *settings,
                         struct error *error)
{
    return read_time(texts->from, "--from", &settings->from_s, error) &&
           read_time(texts->until, "--until", &settings->until_s, error) &&
           (settings->from_s < settings->until_s ||
            error_set(error, "--until must be later than --from")) &&
           read_seed(texts->seed, &settings->seed, error) &&
           read_whole(texts->block_tokens, "--block-tokens", &settings->block_tokens, error) &&
           read_whole(texts->part, "--part", &settings->part, error) &&
           (texts->time_unit == NULL ||
            time_unit_find(texts->time_unit, &settings->time_unit, error));
}

static bool import(const char *name, const struct import_settings *settings, const char *out,
                   struct error *error)
{
    const struct import_format *format = NULL;
    struct import_requests requests;
    struct import_summary summary;
    if (!find_format(name, &format, error) || !import_read(format, settings, &requests, error)) {
        return false;
    }
    import_summarize(&requests, &summary);
    import_summary_print(&requests, &summary, stderr);
    bool ok = write_requests(&requests, out, error);
    import_clear(&requests);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct option_list positionals = {.count = 0};
    const char *out = "-";
    struct import_texts texts = {.seed = "1"};
    struct import_settings settings = {.until_s = INFINITY};
    const struct option options[] = {
        {"--out", "FILE", "write there (default standard output)", OPTION_TEXT, &out},
        {"--from", "SECONDS", "only arrivals from then on", OPTION_TEXT, &texts.from},
        {"--until", "SECONDS", "and before then", OPTION_TEXT, &texts.until},
        {"--columns", "ROLE=NAME,...", "csv: which columns are arrival, prompt, output, ...",
         OPTION_TEXT, &settings.columns},
        {"--time-unit", "UNIT", "of times that are numbers: s, ms, us or ns", OPTION_TEXT,
         &texts.time_unit},
        {"--model", "NAME", "only rows of this model", OPTION_TEXT, &settings.model},
        {"--log-type", "NAME", "burstgpt: only rows of this log type", OPTION_TEXT,
         &settings.log_type},
        {"--block-tokens", "N", "mooncake: tokens that a hash stands for (default: found)",
         OPTION_TEXT, &texts.block_tokens},
        {"--part", "N", "which of the benchmarks that a file holds, from 1", OPTION_TEXT,
         &texts.part},
        {"--lengths", "FILE", "servegen: the clients' distributions", OPTION_TEXT,
         &settings.lengths},
        {"--seed", "N", "of what is drawn: servegen, arrivals that a benchmark did not keep",
         OPTION_TEXT, &texts.seed},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    struct error error;
    if (positionals.count != 2) {
        fprintf(stderr, "kvcast import: expected a format and a file\n");
        list_formats(stderr);
        return EXIT_BAD_USAGE;
    }
    settings.path = positionals.values[1];
    bool ok = read_options(&texts, &settings, &error) &&
              import(positionals.values[0], &settings, out, &error);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_import = {
    .name = "import",
    .arguments = "FORMAT FILE",
    .summary = "turn a trace or result of another tool into a trace to run",
    .details = "'kvcast import' alone lists the formats; traces/FORMAT.md describes them.\n\n"
               "  kvcast import azure AzureLLMInferenceTrace_conv.csv --out trace.csv\n"
               "  kvcast import csv log.csv --columns arrival=Start,prompt=In,output=Out\n"
               "  kvcast run --set workload.trace=trace.csv\n",
    .run = run,
};
