/* From a scenario to what a simulation needs: shapes, memory, step cost, requests. */
#ifndef SIM_SCENARIO_SETUP_H
#define SIM_SCENARIO_SETUP_H

#include "sim/cluster/simulation.h"
#include "sim/hardware/memory_model.h"
#include "sim/pricing/cost_choice.h"
#include "sim/report/request_log.h"
#include "sim/scenario/scenario.h"
#include "workloads/workload.h"

struct setup {
    struct model_shape model;
    struct gpu gpu;
    struct memory_plan memory;
    struct step_cost cost;
    struct model_shape draft; /* where the scenario names one */
    struct step_cost draft_cost;
    struct instance_config instance;       /* refers to 'cost' and 'draft_cost' */
    struct instance_group groups[2];       /* refer to 'instance' */
    struct simulation_settings simulation; /* refers to 'groups' */
    struct workload workload;
    bool workload_failed; /* while the simulation ran */
    struct error workload_error;
    double draft_acceptance;
    uint64_t draft_key;
    struct request_log *log; /* of the requests done, borrowed; NULL: none is kept */
    const char *dataset_names[TRACE_MAX_DATASETS];
    char price_confidence[COST_WARNING_BYTES]; /* what the prices are uncertain by, in words */
    char warning[COST_WARNING_BYTES];          /* for the user; empty: none */
};

/* Borrows the scenario until cleared; must not be moved. */
MUST_CHECK bool setup_init(struct setup *setup, const struct scenario *scenario,
                           struct error *error);
void setup_clear(struct setup *setup);

/* A simulation of the scenario, to be destroyed before the setup is cleared. One for each setup. */
struct simulation *setup_simulation(struct setup *setup);

/* After the simulation has run: false when its requests could not all be read, or it was given up.
 */
MUST_CHECK bool setup_check(const struct setup *setup, const struct simulation *simulation,
                            struct error *error);

/* A run that is over, before it is cleared. */
struct finished_run {
    const struct scenario *scenario;
    const struct setup *setup;
    struct simulation *simulation;
};

typedef bool on_finished_run(void *context, const struct finished_run *run, struct error *error);

/* Runs the scenario, and has 'look' take from it what is wanted. */
MUST_CHECK bool setup_run(const struct scenario *scenario, on_finished_run *on_finished,
                          void *context, struct error *error);

/* The same of the scenario at 'path' with some settings changed. */
MUST_CHECK bool setup_run_file(const char *path, const struct option_list *assignments,
                               on_finished_run *on_finished, void *context, struct error *error);

/* The scenario's requests; 'model' is whose lengths they have, unless the scenario says. */
MUST_CHECK bool setup_workload(const struct scenario *scenario, const char *model,
                               struct workload *workload, struct error *error);

#endif
