#include "sim/report/request_log.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/report/run_report.h"

void request_log_init(struct request_log *log, FILE *stream)
{
    log->records = NULL;
    log->capacity = 0;
    log->next_id = 0;
    csv_writer_init(&log->writer, stream);
    run_report_requests_header(&log->writer);
}

void request_log_clear(struct request_log *log)
{
    free(log->records);
    log->records = NULL;
    log->capacity = 0;
}

static struct request_record *place(struct request_record *records, size_t capacity, uint32_t id)
{
    return &records[id & (capacity - 1)];
}

/* A place is taken when its record has a status. */
static void reserve(struct request_log *log, size_t span)
{
    if (span <= log->capacity) {
        return;
    }
    size_t capacity = log->capacity > 0 ? log->capacity : 64;
    while (capacity < span) {
        capacity *= 2;
    }
    struct request_record *records = memory_zeroed(capacity, sizeof records[0]);
    for (size_t i = 0; i < log->capacity; i++) {
        if (log->records[i].status != NULL) {
            *place(records, capacity, log->records[i].request_id) = log->records[i];
        }
    }
    free(log->records);
    log->records = records;
    log->capacity = capacity;
}

void request_log_add(struct request_log *log, const struct request_record *record)
{
    reserve(log, (size_t)(record->request_id - log->next_id) + 1);
    *place(log->records, log->capacity, record->request_id) = *record;
    struct request_record *next = place(log->records, log->capacity, log->next_id);
    while (next->status != NULL) {
        run_report_request(next, &log->writer);
        next->status = NULL;
        next = place(log->records, log->capacity, ++log->next_id);
    }
}

void request_log_flush(struct request_log *log)
{
    csv_writer_flush(&log->writer);
}
