/* The requests of a run one by one, generated or read from a trace. */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "sim/base/error.h"
#include "traces/trace.h"
#include "workloads/generator.h"
#include "workloads/trace_replay.h"

struct workload {
    struct trace_names datasets;
    struct length_catalog catalog;
    struct accuracy_catalog accuracies;
    struct generator *generator; /* NULL: from the trace */
    struct trace_replay replay;
    uint32_t thinking_budget; /* tokens after which thinking is closed; 0: none */
    uint64_t count;           /* of requests so far */
};

/* Generates by 'settings' from the length models in 'lengths'. Borrows the settings' texts until
 * closed. */
MUST_CHECK bool workload_generate(struct workload *workload,
                                  const struct generator_settings *settings, const char *lengths,
                                  struct error *error);
/* Plays a trace back. Borrows the settings' path until closed. */
MUST_CHECK bool workload_replay(struct workload *workload,
                                const struct trace_replay_settings *settings, struct error *error);
void workload_close(struct workload *workload); /* a zeroed struct is fine */

/* Engines close the thinking of a request after so many tokens; its answer still comes. Whether
 * that answer is right is not known. */
void workload_set_thinking_budget(struct workload *workload, uint32_t tokens);

/* The next request, in order of arrival; '*ret_more' is false at the end. A trace without any is an
 * error. */
MUST_CHECK bool workload_next(struct workload *workload, struct trace_request *ret_request,
                              bool *ret_more, struct error *error);

#endif
