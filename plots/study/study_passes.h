/* Passes over the items of a cell, one after the other on one server, as the study's client makes
 * them: a batch does not run on into the next pass, and the prompts of a pass are in the prefix
 * cache from the pass before. The first pass only fills it; the others are counted. */
#ifndef PLOTS_STUDY_STUDY_PASSES_H
#define PLOTS_STUDY_STUDY_PASSES_H

#include "sim/scenario/scenario_run.h"

/* Of the passes that count, all together. */
struct study_pass_totals {
    uint32_t requests;
    double time_s;
    double chunks; /* streamed */
    double first_token_s;
    uint32_t first_visible; /* of requests that show something */
    double first_visible_s;
};

/* Runs one pass that does not count and 'counted' that do, each in an order of its own. */
MUST_CHECK bool study_passes_run(const struct scenario *scenario, const struct scenario_run *run,
                                 uint32_t counted, struct study_pass_totals *ret_totals,
                                 struct error *error);

#endif
