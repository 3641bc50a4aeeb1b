/* From a scenario to what a simulation needs: shapes, memory, step cost, requests. */
#ifndef SIM_CLI_SETUP_H
#define SIM_CLI_SETUP_H

#include "calibration/measured_run.h"
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
    char warning[512]; /* for the user; empty: none */
};

MUST_CHECK bool setup_init(struct setup *setup, const struct scenario *scenario,
                           struct error *error);
void setup_clear(struct setup *setup);

/* What a run or scenario asks a cost model for. */
struct cost_request {
    const char *source; /* SOURCE[:FILE], or "" for the best that exists */
    const char *model;
    const char *gpu;
    const char *weights;
    const char *kv_cache;
    uint32_t tensor_parallel;
};

/* Chooses a step cost: the named file, or the shipped calibration of the same shape, GPU and
 * precision. 'warning' (512 bytes) tells what does not match. '*ret_found' is false when none was
 * named and none fits. */
MUST_CHECK bool setup_find_cost(const struct cost_request *request, struct step_cost *ret_cost,
                                bool *ret_found, char *warning, struct error *error);

/* Makes or reads the scenario's requests. The array is the caller's to free(). */
MUST_CHECK bool setup_requests(const struct scenario *scenario, const char *model,
                               struct trace_names *names, struct trace_request **ret_requests,
                               uint32_t *ret_count, struct error *error);

#endif
