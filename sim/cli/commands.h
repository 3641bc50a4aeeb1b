/* The subcommands: one file each. */
#ifndef SIM_CLI_COMMANDS_H
#define SIM_CLI_COMMANDS_H

#include "sim/cli/options.h"

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

#endif
