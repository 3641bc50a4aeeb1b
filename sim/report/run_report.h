/* A run's figures as a table of one screen, and its requests and timeline as CSV. */
#ifndef SIM_REPORT_RUN_REPORT_H
#define SIM_REPORT_RUN_REPORT_H

#include <stdio.h>

#include "sim/base/csv.h"
#include "sim/metrics/percentile_list.h"
#include "sim/metrics/run_summary.h"

/* A table of one screen. */
void run_report_table(const struct run_summary *summary, const struct percentile_list *percentiles,
                      FILE *stream);

/* requests.csv, one row a request; times that did not happen are empty. */
void run_report_requests_header(struct csv_writer *writer);
void run_report_request(const struct request_record *record, struct csv_writer *writer);

/* timeline.csv, one row a sample. */
void run_report_timeline_header(struct csv_writer *writer);
void run_report_timeline_sample(const struct timeline_sample *sample, uint32_t total_blocks,
                                struct csv_writer *writer);

#endif
