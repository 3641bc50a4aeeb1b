/* The requests of a run one by one, generated or read from a trace. */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "sim/base/error.h"
#include "traces/trace.h"
#include "workloads/generator.h"

struct workload {
    struct trace_names datasets;
    struct length_catalog catalog;
    struct accuracy_catalog accuracies;
    struct generator *generator; /* NULL: from the trace */
    struct trace_reader trace;
    uint64_t count; /* of requests so far */
};

/* Generates by 'settings' from the length models in 'lengths', or, with 'trace' not empty, reads
 * that. Borrows the settings' texts until closed. */
MUST_CHECK bool workload_open(struct workload *workload, const struct generator_settings *settings,
                              const char *lengths, const char *trace, struct error *error);
void workload_close(struct workload *workload); /* a zeroed struct is fine */

/* The next request, in order of arrival; '*ret_more' is false at the end. A trace without any is an
 * error. */
MUST_CHECK bool workload_next(struct workload *workload, struct trace_request *ret_request,
                              bool *ret_more, struct error *error);

#endif
