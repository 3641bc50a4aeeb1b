/* A run's numbers as a table for people, JSON for programs, and CSV for both. */
#ifndef SIM_REPORT_RUN_REPORT_H
#define SIM_REPORT_RUN_REPORT_H

#include <stdio.h>

#include "sim/base/csv.h"
#include "sim/base/json.h"
#include "sim/metrics/run_summary.h"

/* Adds the members of summary.json's "results" to 'object'. */
void run_report_json(const struct run_summary *summary, struct json *object);

/* A table of one screen. */
void run_report_table(const struct run_summary *summary, FILE *stream);

/* requests.csv, one row a request; times that did not happen are empty. */
void run_report_requests_header(struct csv_writer *writer);
void run_report_request(const struct request_record *record, struct csv_writer *writer);

/* timeline.csv, one row a sample. */
void run_report_timeline_header(struct csv_writer *writer);
void run_report_timeline_sample(const struct timeline_sample *sample, uint32_t total_blocks,
                                struct csv_writer *writer);

#endif
