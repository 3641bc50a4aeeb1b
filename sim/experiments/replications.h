/* The same scenario under other seeds: how far figures scatter. */
#ifndef SIM_EXPERIMENTS_REPLICATIONS_H
#define SIM_EXPERIMENTS_REPLICATIONS_H

#include "sim/metrics/run_summary.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"

/* Runs the scenario as it is. */
MUST_CHECK bool replications_run_one(const struct scenario *scenario,
                                     const struct deployment *deployment,
                                     struct run_summary *ret_summary, struct error *error);

/* Runs 'count' replications and fills 'ret_runs' in order of their seeds, which follow the
 * scenario's. 'first' is the run with the scenario's own seed where the caller has it already;
 * NULL: it is run too. All cores work; the results do not depend on how many there are. Each
 * replication draws arrivals and lengths anew (unless a trace sets them), and how far steps and all
 * prices together lie from what was measured. That all runs come out equal is an error: there is
 * no interval then. */
MUST_CHECK bool replications_run(const struct scenario *scenario,
                                 const struct deployment *deployment,
                                 const struct run_summary *first, uint32_t count,
                                 struct run_summary *ret_runs, struct error *error);

#endif
