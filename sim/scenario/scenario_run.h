/* One run of a scenario on its deployment: the requests of a seed, and the simulation's settings.
 */
#ifndef SIM_SCENARIO_SCENARIO_RUN_H
#define SIM_SCENARIO_SCENARIO_RUN_H

#include "sim/base/settings.h"
#include "sim/cluster/simulation.h"
#include "sim/report/request_log.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario.h"
#include "sim/serving/speculation.h"
#include "workloads/workload.h"

struct scenario_run {
    const struct deployment *deployment;
    struct simulation_settings settings;
    struct workload workload;
    struct warning_list warnings; /* of the workload; the deployment has its own */
    bool workload_failed;         /* while the simulation ran */
    struct error workload_error;
    uint32_t samples; /* of each question */
    struct length_history earlier_answers;
    double draft_acceptance;
    double accepted_by_position[MAX_DRAFTS]; /* instead, if there are any */
    uint32_t position_count;
    uint64_t draft_key;
    struct request_log *log; /* of the requests done, borrowed; NULL: none is kept */
    const char *dataset_names[TRACE_MAX_DATASETS];
};

/* Borrows scenario and deployment until cleared; must not be moved. */
MUST_CHECK bool scenario_run_init(struct scenario_run *run, const struct scenario *scenario,
                                  const struct deployment *deployment, struct error *error);
void scenario_run_clear(struct scenario_run *run); /* a zeroed struct is fine */

/* The simulation, to be destroyed before the run is cleared. One for each run. */
struct simulation *scenario_run_simulation(struct scenario_run *run);

/* After the simulation has run: false when its requests could not all be read, or it was given up.
 */
MUST_CHECK bool scenario_run_check(const struct scenario_run *run,
                                   const struct simulation *simulation, struct error *error);

/* A run that is over, before it is cleared. */
struct finished_run {
    const struct scenario *scenario;
    const struct deployment *deployment;
    struct simulation *simulation;
};

typedef bool on_finished_run(void *context, const struct finished_run *run, struct error *error);

/* Runs the scenario to its end and has 'on_finished' take from it what is wanted. */
MUST_CHECK bool scenario_run_all(const struct scenario *scenario,
                                 const struct deployment *deployment, on_finished_run *on_finished,
                                 void *context, struct error *error);

/* The same of the scenario at 'path' with some settings changed. */
MUST_CHECK bool scenario_run_file(const char *path, const struct option_list *assignments,
                                  on_finished_run *on_finished, void *context, struct error *error);

/* What a simulation on the deployment needs, but for load, metrics and chance. It refers to the
 * deployment. */
struct simulation_settings scenario_run_settings(const struct deployment *deployment);

/* What is served, by the names of the catalogs; lengths and accuracies are looked up by them. */
struct served_model {
    const char *model;
    const char *weights;
    const char *kv_cache;
};

/* The scenario's requests, of the lengths of what is served unless the scenario says. */
MUST_CHECK bool scenario_run_workload(const struct scenario *scenario,
                                      const struct served_model *served, struct workload *workload,
                                      struct error *error);

#endif
