/* Request traces: who asked when for how much. Format: traces/FORMAT.md. */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/csv.h"
#include "sim/base/error.h"

enum { TRACE_MAX_DATASETS = 64, TRACE_DATASET_BYTES = 48 };

/* Whether the answer is right, if it is known. */
enum correctness { CORRECTNESS_UNKNOWN, CORRECTNESS_WRONG, CORRECTNESS_CORRECT };

struct trace_request {
    double arrival_s;
    uint32_t prompt_tokens;
    uint32_t output_tokens;     /* what the model would generate, reasoning included */
    uint32_t reasoning_tokens;  /* of output_tokens */
    uint32_t max_output_tokens; /* the budget; at most this many are generated */
    int32_t priority;
    uint32_t dataset;   /* index into the names */
    uint32_t user;      /* who sends it; the dataset where that is not known */
    double deadline_s;  /* after its arrival; 0: none */
    uint32_t prefix_id; /* what the prompt begins with, shared with others; 0: nothing */
    uint32_t prefix_tokens;
    enum correctness correctness;
    uint32_t conversation_id; /* its prompts each hold those before; 0: none */
    bool follows_answer;      /* sent only after the answer before it in its conversation, */
    double delay_s;           /* so long after it; arrival_s is then the earliest time */
};

struct trace_names {
    char names[TRACE_MAX_DATASETS][TRACE_DATASET_BYTES];
    uint32_t count;
};

/* The index of a dataset's name, added if new. */
MUST_CHECK bool trace_names_add(struct trace_names *names, const char *name, uint32_t *ret_index,
                                struct error *error);

struct trace_reader {
    struct csv_reader csv;
    double last_arrival_s;
};

MUST_CHECK bool trace_reader_open(struct trace_reader *reader, const char *path,
                                  struct error *error);
void trace_reader_close(struct trace_reader *reader);
/* The next request; '*ret_more' is false at the end. Arrivals must not go back. */
MUST_CHECK bool trace_reader_next(struct trace_reader *reader, struct trace_names *names,
                                  struct trace_request *ret_request, bool *ret_more,
                                  struct error *error);

/* True when prompts of the trace have something in common: a prefix, or a conversation. Of a file
 * that cannot be read it is false; reading it as a trace says why. */
bool trace_has_sharing(const char *path);

/* 'has_delays': with the column 'delay_s'. */
void trace_write_header(FILE *stream, bool has_delays);
void trace_write(FILE *stream, const struct trace_request *request, const struct trace_names *names,
                 bool has_delays);

#endif
