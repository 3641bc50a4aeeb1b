#include <stdio.h>

#include "sim/base/output_file.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/cli/commands.h"
#include "traces/import.h"

static bool find_format(const char *name, const struct import_format **ret_format,
                        struct error *error)
{
    enum { MAX_FORMATS = 16 };
    const char *names[MAX_FORMATS] = {NULL};
    for (size_t i = 0; import_formats[i].name != NULL && i + 1 < MAX_FORMATS; i++) {
        names[i] = import_formats[i].name;
        if (text_equal(name, names[i])) {
            *ret_format = &import_formats[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown trace format", name, names, "");
}

static bool write_requests(const struct import_requests *requests, const char *path,
                           struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, NULL, path, error)) {
        return false;
    }
    trace_write_header(file.stream);
    for (uint64_t i = 0; i < requests->count && ferror(file.stream) == 0; i++) {
        trace_write(file.stream, &requests->requests[i], &requests->names);
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

static void report(const struct import_requests *requests)
{
    double prompt = 0;
    double output = 0;
    double last_s = requests->requests[requests->count - 1].arrival_s;
    double count = (double)requests->count;
    for (uint64_t i = 0; i < requests->count; i++) {
        prompt += requests->requests[i].prompt_tokens;
        output += requests->requests[i].output_tokens;
    }
    fprintf(stderr,
            "kvcast: %llu requests over %.0f s (%.3g/s), mean prompt %.0f and output %.0f tokens; "
            "%llu without an answer skipped\n",
            (unsigned long long)requests->count, last_s, last_s > 0 ? count / last_s : 0,
            prompt / count, output / count, (unsigned long long)requests->skipped);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct option_list positionals = {.count = 0};
    const char *out = "-";
    const char *lengths = NULL;
    const char *from = NULL;
    const char *until = NULL;
    const char *seed = "1";
    const struct option options[] = {
        {"--out", "FILE", "write there (default standard output)", OPTION_TEXT, &out},
        {"--from", "SECONDS", "only arrivals from then on", OPTION_TEXT, &from},
        {"--until", "SECONDS", "and before then", OPTION_TEXT, &until},
        {"--lengths", "FILE", "servegen: the clients' distributions", OPTION_TEXT, &lengths},
        {"--seed", "N", "servegen: of its draws", OPTION_TEXT, &seed},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    const struct import_format *format = NULL;
    struct import_settings settings = {.lengths = lengths, .until_s = MAX_TIME_S};
    struct import_requests requests;
    struct error error;
    if (positionals.count != 2) {
        fprintf(stderr, "kvcast import: expected a format and a file\n");
        return EXIT_BAD_USAGE;
    }
    settings.path = positionals.values[1];
    if (!find_format(positionals.values[0], &format, &error) ||
        !read_time(from, "--from", &settings.from_s, &error) ||
        !read_time(until, "--until", &settings.until_s, &error) ||
        !read_seed(seed, &settings.seed, &error)) {
        return options_fail(error.message);
    }
    if (!import_read(format, &settings, &requests, &error)) {
        return options_fail(error.message);
    }
    report(&requests);
    bool ok = write_requests(&requests, out, &error);
    import_clear(&requests);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_import = {
    .name = "import",
    .arguments = "FORMAT FILE",
    .summary = "turn a public trace into one to run",
    .details = "formats: azure burstgpt mooncake servegen table (traces/FORMAT.md)\n\n"
               "  kvcast import azure AzureLLMInferenceTrace_conv.csv --out trace.csv\n"
               "  kvcast run --set workload.trace=trace.csv\n",
    .run = run,
};
