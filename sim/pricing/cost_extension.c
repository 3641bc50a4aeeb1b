#include "sim/pricing/cost_extension.h"

#include <assert.h>
#include <math.h>

#include "sim/base/text.h"

static void extend_curve(struct cost_curve *curve, const struct cost_curve *wide)
{
    assert(curve->count > 0 && wide->count > 0);
    double last_tokens = curve->tokens[curve->count - 1];
    double last_ps = curve->cost_ps[curve->count - 1];
    double from_ps = cost_curve_at(wide, last_tokens);
    for (uint32_t k = 0; k < wide->count && curve->count < STEP_COST_MAX_KNOTS; k++) {
        if (wide->tokens[k] > last_tokens) {
            curve->tokens[curve->count] = wide->tokens[k];
            curve->cost_ps[curve->count++] = last_ps + fmax(0, wide->cost_ps[k] - from_ps);
        }
    }
}

void cost_extend(struct step_cost *cost, const struct step_cost *wide)
{
    extend_curve(&cost->decode, &wide->decode);
    extend_curve(&cost->mixed, &wide->mixed);
}

void cost_extend_decode(struct step_cost *cost)
{
    static const double grid[] = {192, 256, 384, 512, 1024, 2048, 8192};
    struct cost_curve *decode = &cost->decode;
    assert(decode->count > 0 && cost->mixed.count > 0);
    double last_tokens = decode->tokens[decode->count - 1];
    double last_ps = decode->cost_ps[decode->count - 1];
    double from_ps = cost_curve_at(&cost->mixed, last_tokens);
    for (size_t i = 0; i < sizeof grid / sizeof grid[0]; i++) {
        if (grid[i] > last_tokens && decode->count < STEP_COST_MAX_KNOTS) {
            double rise_ps = cost_curve_at(&cost->mixed, grid[i]) - from_ps;
            decode->tokens[decode->count] = grid[i];
            decode->cost_ps[decode->count++] = last_ps + fmax(0, rise_ps);
        }
    }
}

/* What the data sheet allows: weights are read once, and each token takes two operations a weight.
 * Products of decodes go through the head, those of prompts but for one token do not. */
struct least {
    double reading_ps;
    double decode_token_ps;
    double mixed_token_ps;
};

/* Operations per second in units of 10^12, at the rate of the format that the products run in. */
static double peak_tflops(const struct cost_configuration *configuration)
{
    const struct gpu *gpu = &configuration->gpu;
    double peak = text_equal(configuration->weights->name, "fp8")    ? gpu->fp8_tflops
                  : text_equal(configuration->weights->name, "int8") ? gpu->int8_tops
                                                                     : gpu->bf16_tflops;
    return peak > 0 ? peak : gpu->bf16_tflops;
}

static struct least least_of(const struct cost_configuration *configuration)
{
    const struct model_shape *model = &configuration->model;
    double degree = configuration->tensor_parallel;
    double linear = (double)model_shape_linear_weights(model) / degree;
    double head = (double)model_shape_vocabulary_weights(model) / degree;
    double bytes = linear * configuration->weights->linear_bytes + 2 * head;
    double peak = peak_tflops(configuration);
    double bf16 = configuration->gpu.bf16_tflops;
    double bandwidth = configuration->gpu.memory_gb_per_s;
    assert(degree > 0);
    return (struct least){
        .reading_ps = bandwidth > 0 ? 1000 * bytes / bandwidth : 0,
        .decode_token_ps = peak > 0 ? 2 * (linear / peak + head / bf16) : 0,
        .mixed_token_ps = peak > 0 ? 2 * linear / peak : 0,
    };
}

/* Far beyond the last knot the slope must not be below that of computing either. */
static void bound_curve(struct cost_curve *curve, double reading_ps, double token_ps)
{
    enum { FARTHEST = 1 << 20 };
    assert(curve->count > 0);
    double far_ps = cost_curve_at(curve, FARTHEST);
    for (uint32_t k = 0; k < curve->count; k++) {
        double least_ps = fmax(reading_ps, token_ps * curve->tokens[k]);
        curve->cost_ps[k] = fmax(curve->cost_ps[k], least_ps);
    }
    double last_tokens = curve->tokens[curve->count - 1];
    double last_ps = curve->cost_ps[curve->count - 1];
    double slope_ps = fmax(token_ps, (far_ps - last_ps) / (FARTHEST - last_tokens));
    if (curve->count < STEP_COST_MAX_KNOTS && last_tokens < FARTHEST) {
        curve->tokens[curve->count] = FARTHEST;
        curve->cost_ps[curve->count++] = last_ps + slope_ps * (FARTHEST - last_tokens);
    }
}

void cost_bound(struct step_cost *cost, const struct cost_configuration *configuration)
{
    const struct least least = least_of(configuration);
    bound_curve(&cost->decode, least.reading_ps, least.decode_token_ps);
    bound_curve(&cost->mixed, least.reading_ps, least.mixed_token_ps);
}
