/* Traces and results of other tools in our format: what each source calls what is in
 * traces/FORMAT.md. */
#ifndef TRACES_IMPORT_H
#define TRACES_IMPORT_H

#include <stddef.h>

#include "traces/timestamp.h"
#include "traces/trace.h"

struct import_settings {
    const char *path;
    const char *lengths; /* servegen: the clients' distributions */
    double from_s;       /* of the source's time; arrivals begin there */
    double until_s;
    uint64_t seed;            /* of what is drawn */
    enum time_unit time_unit; /* of numbers; unknown: as the source is known to write them */
    const char *columns;      /* csv: "arrival=...,prompt=..."; NULL: the usual names */
    const char *model;        /* keep rows of this model only; NULL: all */
    const char *log_type;     /* burstgpt: keep rows of this log type only; NULL: all */
    uint32_t block_tokens;    /* mooncake: of a hash; 0: found from the lengths */
    uint32_t part;            /* of a file with several benchmarks, from 1; 0: it holds one */
};

/* Why rows do not become requests. */
enum import_skip {
    IMPORT_NO_ANSWER,
    IMPORT_NO_PROMPT,
    IMPORT_OUTSIDE, /* the time asked for */
    IMPORT_OTHER,   /* another model or log type than asked for */
    IMPORT_FAILED,  /* an error, cancelled, cut off by the end of the benchmark */
    IMPORT_WARM_UP,
    IMPORT_NO_LENGTHS, /* a client without length distributions */
    IMPORT_SKIPS
};

/* Requests read so far, in the order of the source. */
struct import_requests {
    struct trace_request *requests;
    uint64_t count;
    size_t capacity;
    struct trace_names names;
    bool counts_from_first; /* time begins with the earliest row */
    double earliest_s;
    double last_s;         /* of the row before */
    uint64_t rows;         /* with those that are skipped */
    uint64_t out_of_order; /* rows earlier than the one before: sorted */
    uint64_t skipped[IMPORT_SKIPS];
    char note[256]; /* what the reader assumed; empty: nothing */
};

struct import_format {
    const char *name;
    const char *summary;
    bool (*read)(const struct import_settings *settings, struct import_requests *requests,
                 struct error *error);
    const char *other_name; /* the same format under another name; NULL: it has none */
};

extern const struct import_format import_formats[]; /* ended by a NULL name */

/* Reads the file and puts the requests in order of arrival, from 0 on. */
MUST_CHECK bool import_read(const struct import_format *format,
                            const struct import_settings *settings,
                            struct import_requests *requests, struct error *error);
void import_clear(struct import_requests *requests);

/* For readers: keeps a request, unless it has no tokens or lies outside the time asked for. */
MUST_CHECK bool import_add(struct import_requests *requests, const struct import_settings *settings,
                           const struct trace_request *request, const char *path, uint64_t line,
                           struct error *error);
/* For readers: counts a row that does not become a request. */
void import_skip_row(struct import_requests *requests, enum import_skip reason);
const char *import_skip_reason(enum import_skip reason); /* "without an answer" */

/* Readers with files of their own. */
bool import_azure(const struct import_settings *settings, struct import_requests *requests,
                  struct error *error);
bool import_burstgpt(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);
bool import_csv(const struct import_settings *settings, struct import_requests *requests,
                struct error *error);
bool import_mooncake(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);
bool import_servegen(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);
bool import_vllm_bench(const struct import_settings *settings, struct import_requests *requests,
                       struct error *error);
bool import_sglang_bench(const struct import_settings *settings, struct import_requests *requests,
                         struct error *error);
bool import_guidellm(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error);
bool import_aiperf(const struct import_settings *settings, struct import_requests *requests,
                   struct error *error);

#endif
