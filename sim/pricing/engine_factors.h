/* What an engine's kernels make of a weight format, learned from two calibrations of one model, in
 * that format and in bf16, and put on the bf16 profile of any other model. The formula is our own:
 * a decode step reads fewer bytes at the card's rate, and each product of a layer takes longer by a
 * time that depends on the tokens only (start, dequantization, reduction); any other step takes
 * longer by a ratio. */
#ifndef SIM_PRICING_ENGINE_FACTORS_H
#define SIM_PRICING_ENGINE_FACTORS_H

#include "sim/pricing/cost_transfer.h"

struct engine_factors {
    char name[96];             /* of the calibration in that format */
    struct cost_curve product; /* picoseconds more, by padded requests; may be below 0 */
    struct cost_curve mixed;   /* times as long, by padded tokens */
    double read_efficiency;    /* share of the data sheet's bandwidth at which weights are read */
};

/* 'format' and 'bf16' are calibrations of one model on one GPU. */
void engine_factors_learn(struct engine_factors *factors, const struct step_cost *format,
                          const struct step_cost *bf16,
                          const struct cost_configuration *configuration, double read_efficiency);

/* Rewrites 'cost', of bf16 weights on one GPU, to the weights of 'configuration'. */
void engine_factors_apply(const struct engine_factors *factors, struct step_cost *cost,
                          const struct cost_configuration *configuration);

#endif
