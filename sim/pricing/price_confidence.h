/* How sure the price of a step is, as a number for intervals and in words for people. */
#ifndef SIM_PRICING_PRICE_CONFIDENCE_H
#define SIM_PRICING_PRICE_CONFIDENCE_H

#include <stddef.h>

#include "sim/pricing/step_cost.h"

/* Relative standard deviation of all step times together: what the source itself is off by where it
 * was measured, and what carrying it over adds. */
double price_confidence_uncertainty(const struct step_cost *cost);

/* One sentence: where the prices come from and how far they may be off. 'uncertainty' is what the
 * function above returned. */
void price_confidence_describe(const struct step_cost *cost, bool carried_over, double uncertainty,
                               char *text, size_t text_bytes);

#endif
