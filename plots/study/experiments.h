/* The first experiments one would make after reading the study, as scenarios to start from. */
#ifndef PLOTS_STUDY_EXPERIMENTS_H
#define PLOTS_STUDY_EXPERIMENTS_H

#include <stdio.h>

#include "sim/base/error.h"

/* Runs them, writes their tables to 'table', and writes CSV for their figures into the folder. */
MUST_CHECK bool experiments_run(const char *directory, FILE *table, struct error *error);

#endif
