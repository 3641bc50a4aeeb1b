/* What 'kvcast run' prints around the figures: what ran, the load it met, what it costs. */
#ifndef SIM_CLI_RUN_TABLES_H
#define SIM_CLI_RUN_TABLES_H

#include "sim/metrics/run_summary.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"

/* Model, GPUs and engine, before the figures. */
void run_tables_describe(const struct scenario *scenario, const struct deployment *deployment);

/* Offered against served in the measured part, limits of the SLO, and an overload. */
void run_tables_print_load(const struct scenario *scenario, const struct run_summary *summary);

/* Limits that nobody set, which the engine sets by itself; a line for each group that has some. */
void run_tables_print_defaults(const struct scenario *scenario,
                               const struct deployment *deployment);

void run_tables_print_price(const struct deployment *deployment, const struct run_summary *summary);

#endif
