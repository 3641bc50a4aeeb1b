/* Public traces in our format: what each source calls what is in traces/FORMAT.md. */
#ifndef TRACES_IMPORT_H
#define TRACES_IMPORT_H

#include <stddef.h>

#include "traces/trace.h"

struct import_settings {
    const char *path;
    const char *lengths; /* servegen: the clients' distributions */
    double from_s;       /* of the source's time; arrivals begin there */
    double until_s;
    uint64_t seed; /* servegen: of its draws */
};

/* Requests read so far, in no order. */
struct import_requests {
    struct trace_request *requests;
    uint64_t count;
    uint64_t skipped; /* without an answer */
    size_t capacity;
    struct trace_names names;
};

struct import_format {
    const char *name;
    const char *summary;
    bool (*read)(const struct import_settings *settings, struct import_requests *requests,
                 struct error *error);
};

extern const struct import_format import_formats[]; /* ended by a NULL name */

/* Reads the file and puts the requests in order of arrival, from 0 on. */
MUST_CHECK bool import_read(const struct import_format *format,
                            const struct import_settings *settings,
                            struct import_requests *requests, struct error *error);
void import_clear(struct import_requests *requests);

/* Keeps a request that lies in the time asked for; one without tokens is skipped. For readers. */
void import_add(struct import_requests *requests, const struct import_settings *settings,
                const struct trace_request *request);

/* Readers with files of their own. */
bool import_mooncake(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);
bool import_servegen(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);

#endif
