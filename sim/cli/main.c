#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/cleanup.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"

static const struct command *const commands[] = {
    &command_run,
    &command_sweep,
    &command_plan,
    &command_compare,
    &command_validate,
    &command_calibrate,
    &command_generate,
    &command_import,
    &command_plot,
    &command_list,
    &command_paper,
    &command_profile_info,
    NULL,
};

static int print_usage(FILE *stream)
{
    fprintf(stream, "usage: kvcast COMMAND [arguments]\n\n"
                    "Forecasts how reasoning models behave on a serving engine.\n\ncommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    fprintf(stream, "\n'kvcast COMMAND --help' tells more; begin with 'kvcast run'.\n");
    return stream == stdout ? EXIT_DONE : EXIT_BAD_USAGE;
}

/* Gives standard streams that were closed a place, so that no file or pipe gets their numbers. They
 * are opened the wrong way round: using one stays an error. */
static void open_standard_streams(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        if (fcntl(i, F_GETFD) < 0) {
            int opened = open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            (void)opened;
        }
    }
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        return print_usage(stderr);
    }
    if (text_equal(argv[1], "--help") || text_equal(argv[1], "-h") || text_equal(argv[1], "help")) {
        return print_usage(stdout);
    }
    if (text_equal(argv[1], "--version")) {
        printf("kvcast %s\n", KVCAST_VERSION);
        return EXIT_DONE;
    }
    const char *names[sizeof commands / sizeof commands[0]] = {NULL};
    for (size_t i = 0; commands[i] != NULL; i++) {
        names[i] = commands[i]->name;
        if (text_equal(argv[1], names[i])) {
            return commands[i]->run(commands[i], argc - 1, argv + 1);
        }
    }
    const char *nearest = text_nearest(argv[1], names);
    fprintf(stderr, "kvcast: unknown command '%s'%s%s%s\n", argv[1],
            nearest != NULL ? ", did you mean '" : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "'?" : "");
    return EXIT_BAD_USAGE;
}

/* What was printed must have arrived. A reader that stopped reading, as 'head' does, wants no
 * message about it. */
static int check_output(int status)
{
    struct error error;
    if (output_standard_check(&error) || status != EXIT_DONE) {
        return status;
    }
    return errno == EPIPE ? EXIT_BAD_INPUT : options_fail(error.message);
}

int main(int argc, char **argv)
{
    open_standard_streams();
    cleanup_install();
    return check_output(run_command(argc, argv));
}
