/* The shipped length models beside the responses that they were fitted to. */
#ifndef PLOTS_STUDY_LENGTH_EXPERIMENT_H
#define PLOTS_STUDY_LENGTH_EXPERIMENT_H

#include <stdio.h>

#include "sim/base/error.h"

/* Writes quantiles of models and responses to 'table', and the models' curves with the responses'
 * quantiles as CSV to 'file'. */
MUST_CHECK bool length_experiment_run(FILE *file, FILE *table, struct error *error);

#endif
