/* What a server expects the output of a request to be: how many tokens in all. */
#ifndef SIM_SCHEDULING_LENGTH_PREDICTOR_H
#define SIM_SCHEDULING_LENGTH_PREDICTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/error.h"
#include "sim/scheduling/length_history.h"

enum predictor_kind {
    PREDICTOR_BUDGET,  /* all that the client allows */
    PREDICTOR_ORACLE,  /* the truth, times exp(value * a normal deviate) */
    PREDICTOR_BUCKETS, /* the octave of the truth, right with the chance 'value', else one beside */
    PREDICTOR_MEAN,    /* of the answers of its dataset that have finished */
    PREDICTOR_QUANTILE, /* 'value' of these */
    PREDICTOR_HAZARD,   /* the mean of those that were longer than it is so far */
};

/* All zero: by the budget. */
struct length_predictor {
    enum predictor_kind kind;
    double value;
};

/* What predictions are made from. */
struct length_facts {
    uint64_t key; /* of the errors, the request's own */
    uint32_t dataset;
    uint32_t max_output_tokens;
    uint32_t so_far_tokens;
    uint32_t true_tokens; /* for those that know the truth */
};

/* "oracle", "oracle:0.5", "quantile:0.9", ...: NAME[:VALUE] of length_predictor_names. */
MUST_CHECK bool length_predictor_parse(const char *text, struct length_predictor *ret_predictor,
                                       struct error *error);

/* True when it is made from answers that have finished. */
bool length_predictor_learns(const struct length_predictor *predictor);

/* True when no server could predict like this. */
bool length_predictor_knows_truth(const struct length_predictor *predictor);

/* From one more than there are so far to the budget. While nothing has finished, those that learn
 * from what has say the budget. */
double length_predictor_total(const struct length_predictor *predictor,
                              const struct length_history *history,
                              const struct length_facts *facts);

#endif
