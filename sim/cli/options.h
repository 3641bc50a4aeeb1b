/* Command-line options of a subcommand as a table: the parser and --help read it. */
#ifndef SIM_CLI_OPTIONS_H
#define SIM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/base/settings.h"

enum {
    EXIT_DONE = 0,
    EXIT_BAD_INPUT = 1,
    EXIT_BAD_USAGE = 2,
    EXIT_ALL_REFUSED = 3 /* the run ended, and served no request */
};

enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char * */
    OPTION_LIST, /* struct option_list; may be given again */
};

struct option {
    const char *name;     /* "--seed"; NULL ends a table */
    const char *argument; /* "N"; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *target;
};

struct command {
    const char *name;
    const char *arguments; /* "[SCENARIO]" */
    const char *summary;
    const char *details; /* printed after the options: notes and examples */
    int (*run)(const struct command *command, int argc, char **argv);
};

/* The subcommands: one file each. */
extern const struct command command_run;
extern const struct command command_sweep;
extern const struct command command_plan;
extern const struct command command_compare;
extern const struct command command_validate;
extern const struct command command_calibrate;
extern const struct command command_generate;
extern const struct command command_plot;
extern const struct command command_import;
extern const struct command command_list;
extern const struct command command_paper;
extern const struct command command_profile_info;

/* Fills options and positional arguments. Returns true to go on; else '*ret_exit' is the exit
 * status: --help was printed, or the usage was wrong and said so. */
bool options_parse(const struct command *command, const struct option *options, int argc,
                   char **argv, struct option_list *positionals, int *ret_exit);

/* "kvcast: message" on stderr; returns EXIT_BAD_INPUT. */
int options_fail(const char *message);

#endif
