/* What a run costs in GPU time and money, by the price range of the GPU's data sheet. */
#ifndef SIM_SCENARIO_RUN_PRICE_H
#define SIM_SCENARIO_RUN_PRICE_H

#include "sim/base/json.h"
#include "sim/hardware/gpu.h"
#include "sim/metrics/run_summary.h"
#include "sim/scenario/scenario.h"

/* NAN where there is no price, or nothing to divide by. */
struct run_price {
    uint32_t gpus;
    double gpu_s;
    double usd_low;
    double usd_high;
    double usd_per_million_tokens_low; /* of output */
    double usd_per_million_tokens_high;
    double usd_per_right_answer_low;
    double usd_per_right_answer_high;
    double right_per_gpu_s;
};

struct run_price run_price_of(const struct scenario *scenario, const struct gpu *gpu,
                              const struct run_summary *summary);
void run_price_json(const struct run_price *price, struct json *object);

#endif
