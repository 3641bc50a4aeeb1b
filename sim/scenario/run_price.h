/* What a run costs in GPU time and money, by the price range of the GPU's data sheet. */
#ifndef SIM_SCENARIO_RUN_PRICE_H
#define SIM_SCENARIO_RUN_PRICE_H

#include "sim/metrics/run_summary.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario_run.h"

/* The price of a run with that summary. All instances cost until its end, or each while it is on in
 * 'simulation' (NULL: the former). */
struct run_price run_price_of(const struct deployment *deployment,
                              const struct simulation *simulation,
                              const struct run_summary *summary);

/* All figures of a finished run, its price among them. */
struct run_summary run_price_summarize(const struct finished_run *run);

#endif
