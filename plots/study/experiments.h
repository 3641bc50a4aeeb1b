/* The three first experiments one would make after reading the study, as scenarios to start from.
 */
#ifndef PLOTS_STUDY_EXPERIMENTS_H
#define PLOTS_STUDY_EXPERIMENTS_H

#include "sim/base/error.h"

/* Runs them, prints their tables, and writes CSV for their figures into the folder. */
MUST_CHECK bool experiments_run(const char *directory, struct error *error);

#endif
