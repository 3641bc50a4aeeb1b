/* The items of the study's datasets as requests, and fields of its CSV files. */
#ifndef PLOTS_STUDY_STUDY_ITEMS_H
#define PLOTS_STUDY_STUDY_ITEMS_H

#include "sim/base/csv.h"
#include "sim/scenario/scenario_run.h"

/* Makes a pass over 'scenario->workload.requests' items. They are the same in every pass: one
 * stands for each part of the distribution of lengths. Their order is not known and comes from
 * 'seed'. */
MUST_CHECK bool study_items_make(const struct scenario *scenario, const struct scenario_run *run,
                                 uint64_t seed, struct request *requests, struct error *error);

/* A column of the current row; an empty number is NAN. */
MUST_CHECK bool study_read_text(const struct csv_reader *csv, const char *name, char *buffer,
                                size_t size, struct error *error);
MUST_CHECK bool study_read_number(const struct csv_reader *csv, const char *name, double *ret_value,
                                  struct error *error);

#endif
