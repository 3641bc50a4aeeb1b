/* Scenarios read from files and the command line, and written into results. */
#ifndef SIM_SCENARIO_SCENARIO_FILE_H
#define SIM_SCENARIO_SCENARIO_FILE_H

#include "sim/base/settings.h"
#include "sim/scenario/scenario.h"

/* The default, overridden by the file at 'path' (NULL: none; a scenario, or the summary of a run),
 * then by 'assignments' (KEY=VALUE), then by 'seed' (NULL: as it is). Errors: a setting that the
 * engine does not have, or that has no effect beside the others. */
MUST_CHECK bool scenario_file_read(struct scenario *scenario, const char *path,
                                   const struct option_list *assignments, const char *seed,
                                   struct error *error);

/* Adds the settings that the run uses to 'object'; reading them again gives the same run. */
void scenario_file_echo(const struct scenario *scenario, struct json *object);

#endif
