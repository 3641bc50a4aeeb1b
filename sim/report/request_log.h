/* requests.csv, written while requests are done: in order of sending, whatever order they end in.
 */
#ifndef SIM_REPORT_REQUEST_LOG_H
#define SIM_REPORT_REQUEST_LOG_H

#include <stddef.h>
#include <stdio.h>

#include "sim/base/csv.h"
#include "sim/metrics/run_summary.h"

struct request_log {
    struct csv_writer writer;
    struct request_record *records; /* a ring of those that wait for an earlier one */
    size_t capacity;                /* a power of two */
    uint32_t next_id;               /* the one to be written next */
};

/* Writes the header. */
void request_log_init(struct request_log *log, FILE *stream);
void request_log_clear(struct request_log *log);
/* Each id from 0 on once, in any order. */
void request_log_add(struct request_log *log, const struct request_record *record);
void request_log_flush(struct request_log *log);

#endif
