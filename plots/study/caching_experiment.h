/* Open question of the study: does prefix caching hurt small models? What hashing, entering and
 * looking up blocks takes of the host, against the GPU time that found prompts save. */
#ifndef PLOTS_STUDY_CACHING_EXPERIMENT_H
#define PLOTS_STUDY_CACHING_EXPERIMENT_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"
#include "sim/pricing/step_cost.h"

/* What a request of MATH-500 costs the host with prefix caching on, when 'found_tokens' of its
 * prompt are found. */
double caching_host_us(uint32_t found_tokens);

/* The GPU time that they save for each of 'prompts' prompts that come into a step beside 'running'
 * decodes. */
double caching_saved_us(const struct step_cost *cost, uint32_t prompts, uint32_t running,
                        uint32_t found_tokens);

/* Prints the table and writes rows of experiment_caching.csv. */
MUST_CHECK bool caching_experiment_run(FILE *file, FILE *table, struct error *error);

#endif
