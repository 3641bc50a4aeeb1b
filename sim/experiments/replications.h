/* The same scenario under other seeds: how far figures scatter. */
#ifndef SIM_EXPERIMENTS_REPLICATIONS_H
#define SIM_EXPERIMENTS_REPLICATIONS_H

#include <stdio.h>

#include "sim/scenario/scenario.h"

/* Runs 'count' replications with the seeds that follow the scenario's, adds a 95 % prediction
 * interval of every result to 'object', nested like "results", and prints the main ones. All cores
 * work; the results do not depend on how many there are. */
MUST_CHECK bool replications_run(const struct scenario *scenario, uint32_t count,
                                 struct json *object, FILE *stream, struct error *error);

#endif
