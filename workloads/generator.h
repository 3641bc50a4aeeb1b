/* Makes requests: arrival times by a process, lengths by a mixture of datasets. */
#ifndef WORKLOADS_GENERATOR_H
#define WORKLOADS_GENERATOR_H

#include <stdint.h>

#include "sim/base/error.h"
#include "traces/trace.h"
#include "workloads/accuracy_model.h"
#include "workloads/arrival_process.h"
#include "workloads/length_model.h"

/* Which requests begin alike. */
struct generator_sharing {
    uint32_t prefix_tokens; /* in front of each prompt */
    uint32_t prefixes;      /* different ones; 0 is taken as 1 */
    uint32_t turns;         /* of a conversation; 0 and 1: none */
    uint32_t conversations; /* going on at a time */
    uint32_t samples;       /* answers to each question, asked for at once; 0 is taken as 1 */
};

struct generator_settings {
    uint64_t seed;
    uint32_t requests;
    struct arrival_settings arrivals;
    uint32_t token_budget; /* of output */
    double output_factor;  /* times the lengths of the models; 0 is taken as 1 */
    struct generator_sharing sharing;
    const char *model;    /* whose lengths */
    const char *kv_cache; /* precision that lengths may depend on; NULL: any */
    const char *weights;  /* and accuracy on this too */
    enum accuracy_scale accuracy_scale;
    const struct accuracy_catalog *accuracies; /* NULL: whether answers are right is not drawn */
    const char *datasets;                      /* "gsm8k:4,aime-2024:1": names and weights */
};

struct generator;

/* Borrows the settings' texts and the catalog until destroyed; adds the datasets to 'names'. */
MUST_CHECK bool generator_create(const struct generator_settings *settings,
                                 const struct length_catalog *catalog, struct trace_names *names,
                                 struct generator **ret_generator, struct error *error);
void generator_destroy(struct generator *generator); /* NULL is fine */

/* The next request, in order of arrival; false when settings.requests have been made. */
bool generator_next(struct generator *generator, struct trace_request *ret_request);

/* What the user should know of dataset number 'index', in one line each: lengths that are assumed,
 * answers that cannot be graded. An empty line: nothing; false: there is no such dataset. */
struct generator_notes {
    char lengths[256];
    char accuracy[320];
};
bool generator_note(const struct generator *generator, uint32_t index,
                    struct generator_notes *ret_notes);

#endif
