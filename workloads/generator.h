/* Makes requests: arrival times by a process, lengths by a mixture of datasets. */
#ifndef WORKLOADS_GENERATOR_H
#define WORKLOADS_GENERATOR_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/settings.h"
#include "traces/trace.h"
#include "workloads/accuracy_model.h"
#include "workloads/length_model.h"

enum arrival_process {
    ARRIVAL_GAMMA,       /* gaps: shape = burstiness, mean = 1 / rate */
    ARRIVAL_POISSON,     /* burstiness 1 */
    ARRIVAL_WEIBULL,     /* gaps: shape = burstiness, mean = 1 / rate */
    ARRIVAL_WINDOWS,     /* gamma, with rate and burstiness by windows of time */
    ARRIVAL_CONSTANT,    /* every 1 / rate */
    ARRIVAL_ALL_AT_ONCE, /* at time 0; used with closed-loop and batch clients */
};

/* Their names and what they do, up to a NULL name. */
extern const struct setting_choice arrival_processes[];

struct generator_settings {
    uint64_t seed;
    uint32_t requests;
    enum arrival_process arrival;
    double rate_per_s;
    double burstiness;
    const char *windows;    /* "60:2:0.25,30:8:0.5": seconds, rate, burstiness, over and over */
    uint32_t token_budget;  /* of output */
    double output_factor;   /* times the lengths of the models; 0 is taken as 1 */
    uint32_t prefix_tokens; /* in front of each prompt */
    uint32_t prefixes;      /* different ones; 0 is taken as 1 */
    uint32_t turns;         /* of a conversation; 0 and 1: none */
    uint32_t conversations; /* going on at a time */
    const char *model;      /* whose lengths */
    const char *kv_cache;   /* precision that lengths may depend on; NULL: any */
    const char *weights;    /* and accuracy on this too */
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

#endif
