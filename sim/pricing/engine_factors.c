#include "sim/pricing/engine_factors.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

/* Picoseconds by which a step reads its linear layers, or a GPU its part of them, sooner than in
 * bf16. */
static double saved_reading_ps(const struct cost_configuration *configuration,
                               double read_efficiency)
{
    double bytes = (2 - configuration->weights->linear_bytes) *
                   (double)model_shape_linear_weights(&configuration->model) /
                   configuration->tensor_parallel;
    return bytes / (configuration->gpu.memory_gb_per_s * read_efficiency) * 1000;
}

static double products(const struct cost_configuration *configuration)
{
    return (double)configuration->model.num_hidden_layers * MODEL_LAYER_PRODUCTS;
}

void engine_factors_learn(struct engine_factors *factors, const struct step_cost *format,
                          const struct step_cost *bf16,
                          const struct cost_configuration *configuration, double read_efficiency)
{
    assert(format->decode.count > 0 && bf16->decode.count > 0);
    assert(read_efficiency > 0 && read_efficiency <= 1);
    *factors = (struct engine_factors){
        .product = format->decode, .mixed = format->mixed, .read_efficiency = read_efficiency};
    snprintf(factors->name, sizeof factors->name, "%s", format->identity.name);
    for (uint32_t k = 0; k < format->decode.count; k++) {
        double more_ps =
            format->decode.cost_ps[k] - cost_curve_at(&bf16->decode, format->decode.tokens[k]);
        factors->product.cost_ps[k] =
            (more_ps + saved_reading_ps(configuration, factors->read_efficiency)) /
            products(configuration);
    }
    for (uint32_t k = 0; k < format->mixed.count; k++) {
        factors->mixed.cost_ps[k] /= cost_curve_at(&bf16->mixed, format->mixed.tokens[k]);
    }
}

/* The curve, level beyond its ends: what was seen last holds. */
static double level_at(const struct cost_curve *curve, double tokens)
{
    double first = curve->tokens[0];
    double last = curve->tokens[curve->count - 1];
    return cost_curve_at(curve, fmin(fmax(tokens, first), last));
}

void engine_factors_apply(const struct engine_factors *factors, struct step_cost *cost,
                          const struct cost_configuration *configuration)
{
    assert(factors->product.count > 0 && factors->mixed.count > 0);
    double saved_ps = saved_reading_ps(configuration, factors->read_efficiency);
    for (uint32_t k = 0; k < cost->decode.count; k++) {
        double more_ps =
            products(configuration) * level_at(&factors->product, cost->decode.tokens[k]);
        double floor_ps = 0.1 * cost->decode.cost_ps[k];
        cost->decode.cost_ps[k] = fmax(floor_ps, cost->decode.cost_ps[k] - saved_ps + more_ps);
    }
    for (uint32_t k = 0; k < cost->mixed.count; k++) {
        cost->mixed.cost_ps[k] *= level_at(&factors->mixed, cost->mixed.tokens[k]);
    }
}
