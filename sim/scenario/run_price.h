/* What a run costs in GPU time and money, by the price range of the GPU's data sheet. */
#ifndef SIM_SCENARIO_RUN_PRICE_H
#define SIM_SCENARIO_RUN_PRICE_H

#include "sim/hardware/gpu.h"
#include "sim/metrics/run_summary.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/setup.h"

struct run_price run_price_of(const struct scenario *scenario, const struct gpu *gpu,
                              const struct run_summary *summary);

/* All figures of a finished run, its price among them. */
struct run_summary run_price_summarize(const struct finished_run *run);

#endif
