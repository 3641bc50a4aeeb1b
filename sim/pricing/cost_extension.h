/* Prices beyond what a calibration measured: by another one that went further, and never below what
 * the data sheet of the GPU allows. */
#ifndef SIM_PRICING_COST_EXTENSION_H
#define SIM_PRICING_COST_EXTENSION_H

#include "sim/pricing/cost_transfer.h"

/* Carries the curves of 'cost' on from their last knots by the rises of 'wide', which is for the
 * same configuration and was measured under larger limits. */
void cost_extend(struct step_cost *cost, const struct step_cost *wide);

/* Carries decodes on beyond their last knot as any other step rises with its tokens: the products
 * are the same. */
void cost_extend_decode(struct step_cost *cost);

/* Raises what lies below the time that reading the weights or multiplying by them takes at the full
 * rates of the data sheet, and keeps the curves above it for as many tokens as a step can have. */
void cost_bound(struct step_cost *cost, const struct cost_configuration *configuration);

#endif
