/* From a scenario to what a simulation needs: shapes, memory, step cost, requests. */
#ifndef SIM_CLI_SETUP_H
#define SIM_CLI_SETUP_H

#include "sim/cli/cost_choice.h"
#include "sim/cli/scenario.h"
#include "sim/hardware/memory_model.h"
#include "sim/serving/simulation.h"
#include "traces/trace.h"

struct setup {
    struct model_shape model;
    struct gpu gpu;
    struct memory_plan memory;
    struct step_cost cost;
    struct simulation_settings simulation; /* refers to 'cost' */
    struct request *requests;
    uint32_t request_count;
    struct trace_names datasets;
    const char *dataset_names[TRACE_MAXIMUM_DATASETS];
    char warning[COST_WARNING_BYTES]; /* for the user; empty: none */
};

MUST_CHECK bool setup_init(struct setup *setup, const struct scenario *scenario,
                           struct error *error);
void setup_clear(struct setup *setup);

/* Makes or reads the scenario's requests. The array is the caller's to free(). */
MUST_CHECK bool setup_requests(const struct scenario *scenario, const char *model,
                               struct trace_names *names, struct trace_request **ret_requests,
                               uint32_t *ret_count, struct error *error);

#endif
