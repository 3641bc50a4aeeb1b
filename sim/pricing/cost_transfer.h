/* Carries step costs from the configuration they were measured on to another one through the
 * physics: bytes moved, floating-point operations, layers, KV heads. What the physics does not fix,
 * how well an engine's kernels use each weight format, is in a table of factors seen in measured
 * runs. */
#ifndef SIM_PRICING_COST_TRANSFER_H
#define SIM_PRICING_COST_TRANSFER_H

#include "sim/hardware/gpu.h"
#include "sim/hardware/model_shape.h"
#include "sim/hardware/precision.h"
#include "sim/pricing/pricing_facts.h"
#include "sim/pricing/step_cost.h"

struct cost_configuration {
    struct model_shape model;
    struct gpu gpu;
    const struct weight_precision *weights;
    const struct kv_precision *kv;
    uint32_t tensor_parallel;
    uint32_t max_batch_requests; /* limits of a step; 0: not known */
    uint32_t max_batch_tokens;
};

/* Extra uncertainty of step times carried over, in per cent; 0 when nothing that matters differs.
 */
double cost_transfer_uncertainty_pct(const struct cost_configuration *from,
                                     const struct cost_configuration *to);

/* True where an engine has the same kernels for the weights of both: vLLM takes other ones for INT4
 * on Hopper than before it. */
bool cost_transfer_shares_kernels(const struct pricing_facts *facts,
                                  const struct cost_configuration *a,
                                  const struct cost_configuration *b);

/* Rewrites 'cost' from one configuration to another. Fails where the GPU file lacks a fact that the
 * price needs; 'cost' is then not to be used. */
MUST_CHECK bool cost_transfer(struct step_cost *cost, const struct pricing_facts *facts,
                              const struct cost_configuration *from,
                              const struct cost_configuration *to, struct error *error);

#endif
