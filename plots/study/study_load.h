/* The study's figure of its Gamma load: KV use and running requests of 14B on MATH-500 over time,
 * the reasoning model's beside the traditional one's. */
#ifndef PLOTS_STUDY_STUDY_LOAD_H
#define PLOTS_STUDY_STUDY_LOAD_H

#include <stdio.h>

#include "sim/base/error.h"

/* Simulates workloads/examples/study-load.json with either model, says on 'table' the means beside
 * the published ones and writes paper_load.csv. */
MUST_CHECK bool study_load_report(const char *directory, FILE *table, struct error *error);

#endif
