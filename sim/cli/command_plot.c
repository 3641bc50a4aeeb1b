#include <stdio.h>
#include <unistd.h>

#include "sim/cli/commands.h"
#include "sim/cli/figures.h"

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
    if (!figures_draw(directory, stderr, &count, &error)) {
        return options_fail(error.message);
    }
    printf("%u figures in %s\n", count, directory);
    return EXIT_DONE;
}

const struct command command_plot = {
    .name = "plot",
    .arguments = "DIR",
    .summary = "redraw the figures of a folder of results",
    .run = run,
};
