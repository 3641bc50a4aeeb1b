/* How long the steps of an instance take. */
#ifndef SIM_SERVING_STEP_PRICING_H
#define SIM_SERVING_STEP_PRICING_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/pricing/step_clock.h"

struct batch;
struct instance;

/* The price of decode attention, held over a run of decode steps of one number of requests. */
struct held_attention {
    struct attention_price price;
    struct step_noise noise;
    uint32_t requests;
    uint32_t steps; /* for which it still holds */
};

/* Draws by counters of the instance's own, so that making steps at once draws the same. */
struct pricing_noise {
    bool is_drawn;
    uint64_t common_key; /* of all instances: how far all prices are off */
    uint64_t gpu_key;
    uint64_t launch_key;
    uint64_t idle_start_key;
    uint64_t attention_prices; /* drawn for so far */
    uint64_t idle_starts;
};

struct step_pricing {
    struct step_clock clock;
    struct held_attention attention;
    struct attention_memo memo;
    struct pricing_noise noise;
};

/* The noise of instance 'number' in the run of 'seed'. */
void step_pricing_draw_noise(struct step_pricing *pricing, uint64_t seed, uint32_t number);
void step_pricing_clear(struct step_pricing *pricing);

/* Prices the batch: when its launch returns and when its output is at hand. */
void step_pricing_price(struct instance *instance, struct batch *batch, int64_t now_ps);

/* What a step costs at the price of attention that is held. */
struct step_price step_pricing_step(const struct instance *instance,
                                    const struct batch_summary *summary);

/* What the host does before it launches a step, unless another step in flight hides it. */
int64_t step_pricing_host_ps(const struct instance *instance, const struct batch *batch);

/* From a request's arrival at an idle instance to its first scheduling pass. */
int64_t step_pricing_idle_start_ps(struct instance *instance);

#endif
