/* How long the steps of an instance take. */
#ifndef SIM_SERVING_STEP_PRICING_H
#define SIM_SERVING_STEP_PRICING_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/serving/instance_parts.h"

struct batch;
struct instance;

/* The noise of instance 'number' in the run of 'seed'. */
void step_pricing_draw_noise(struct step_pricing *pricing, uint64_t seed, uint32_t number);

/* Prices the batch: when its launch returns and when its output is at hand. */
void step_pricing_price(struct instance *instance, struct batch *batch, int64_t now_ps);

/* What a step costs at the price of attention that is held. */
struct step_price step_pricing_step(const struct instance *instance,
                                    const struct batch_summary *summary);

/* What the host does before it launches a step, unless another step in flight hides it. */
int64_t step_pricing_host_ps(const struct instance *instance, const struct batch *batch);

/* From the output of a step to its tokens at the client, unless those before hold them up: the
 * front end passes them on one after the other, and who waits for them longest counts. */
int64_t step_pricing_output_ps(const struct instance *instance, uint64_t tokens);

/* The output of a step is at hand: when the client has its tokens. */
int64_t step_pricing_pass_on(struct instance *instance, uint64_t tokens, int64_t ready_ps);

/* From a request's arrival at an idle instance to its first scheduling pass. */
int64_t step_pricing_idle_start_ps(struct instance *instance);

#endif
