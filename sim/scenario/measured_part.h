/* Which part of a run is measured, and the rates there. */
#ifndef SIM_SCENARIO_MEASURED_PART_H
#define SIM_SCENARIO_MEASURED_PART_H

#include "sim/cluster/simulation.h"
#include "sim/metrics/run_summary.h"
#include "sim/scenario/scenario.h"

/* By the scenario's settings, else what leaves out how the run fills up and drains. 'summary' holds
 * the figures of the whole run. */
struct measured_figures measured_part_of(const struct scenario *scenario,
                                         const struct simulation *simulation,
                                         const struct run_summary *summary);

/* False when fewer requests finish than start: the run is too short to fill up. */
bool measured_part_is_settled(const struct measured_figures *measured);

/* True when requests pile up for as long as they come: the figures then depend on how long that is.
 */
bool measured_part_is_overloaded(const struct measured_figures *measured);

#endif
