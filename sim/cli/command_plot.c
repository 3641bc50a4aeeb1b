#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/base/json.h"
#include "sim/cli/options.h"
#include "sim/report/plotting.h"

static const char *text_of(const struct json *object, const char *name)
{
    const struct json *item = object != NULL ? json_find(object, name) : NULL;
    const char *text = item != NULL ? json_text(item) : NULL;
    return text != NULL ? text : "?";
}

/* Says whose figures these are, where the folder has a summary. */
static void print_run(const char *directory)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct json *summary = NULL;
    struct error error;
    double seed = NAN;
    snprintf(path, sizeof path, "%s/summary.json", directory);
    if (access(path, F_OK) != 0 || !json_read_file(path, &summary, &error)) {
        return;
    }
    const struct json *scenario = json_find(summary, "scenario");
    if (scenario != NULL && json_is_object(scenario)) {
        const struct json *item = json_find(scenario, "seed");
        if (item != NULL) {
            json_number(item, &seed);
        }
        printf("run '%s': %s on %s, seed %.0f\n", text_of(scenario, "name"),
               text_of(json_find(scenario, "model"), "name"),
               text_of(json_find(scenario, "hardware"), "gpu"), seed);
    }
    json_destroy(summary);
}

static int run(const struct command *command, int argc, char **argv)
{
    const struct option options[] = {{.name = NULL}};
    struct option_list positionals = {.count = 0};
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count != 1) {
        fprintf(stderr, "kvcast plot: expected one folder of results\n");
        return EXIT_BAD_USAGE;
    }
    const char *directory = positionals.values[0];
    struct error error;
    unsigned count = 0;
    if (access(directory, R_OK | X_OK) != 0) {
        error_set(&error, "%s: cannot read this folder", directory);
        return options_fail(error.message);
    }
    if (!plotting_redraw(directory, &count, &error)) {
        return options_fail(error.message);
    }
    print_run(directory);
    printf("%u figures in %s\n", count, directory);
    return EXIT_DONE;
}

const struct command command_plot = {
    .name = "plot",
    .arguments = "DIR",
    .summary = "redraw the figures of a folder of results",
    .run = run,
};
