/* Replays the trace jobs of a measured run and sets predicted beside measured. */
#ifndef CALIBRATION_VALIDATION_H
#define CALIBRATION_VALIDATION_H

#include <stdio.h>

#include "calibration/measured_run.h"
#include "sim/base/json.h"
#include "sim/cluster/simulation.h"
#include "sim/metrics/samples.h"
#include "sim/pricing/step_cost.h"

struct compared {
    double measured;
    double predicted;
};

struct compared_distribution {
    struct distribution measured;
    struct distribution predicted;
};

struct job_validation {
    char name[64];
    uint32_t requests;
    double e2e_mape_pct; /* mean |predicted / measured - 1| over the requests */
    double ttft_mape_pct;
    double decode_mape_pct; /* of the time from first to last token */
    struct compared_distribution e2e_s;
    struct compared_distribution ttft_s;
    struct compared_distribution tpot_s;
    struct compared_distribution max_itl_s; /* largest gap between two tokens of a request */
    struct compared makespan_s;
    struct compared kv_peak;
    struct compared kv_mean;
    struct compared preemptions;
    struct compared hit_tokens; /* of prompts, found in the prefix cache */
};

/* How a replay is run, other than as it is priced. */
struct replay_settings {
    struct simulation_pace pace;
    struct observer_list observers;
    bool noise;     /* draw how far steps and launches lie from their prices */
    bool open_loop; /* turns of sessions at their measured times, not after the answers before */
    bool stepwise;  /* walk every step: the reference that stretches must equal */
    uint64_t seed;
    uint32_t replications; /* of validation_replay_noisy */
};

MUST_CHECK bool validation_replay_with(const struct measured_run *run,
                                       const struct measured_job *job, const struct step_cost *cost,
                                       const struct replay_settings *settings,
                                       struct job_validation *ret_result, struct error *error);

/* Replays a job 'settings->replications' times with noise of seeds 1, 2, ... and averages every
 * predicted figure: what to expect of the extremes, which noise makes. */
MUST_CHECK bool validation_replay_noisy(const struct measured_run *run,
                                        const struct measured_job *job,
                                        const struct step_cost *cost,
                                        const struct replay_settings *settings,
                                        struct job_validation *ret_result, struct error *error);

/* Replays one job. Errors: an engine this program has no preset for, a job without requests. */
MUST_CHECK bool validation_replay(const struct measured_run *run, const struct measured_job *job,
                                  const struct step_cost *cost, struct job_validation *ret_result,
                                  struct error *error);

double compared_error_pct(struct compared compared); /* NAN where nothing was measured */

void validation_print(const struct job_validation *result, FILE *stream);
/* One row of the README's table. */
void validation_print_markdown_header(FILE *stream);
void validation_print_markdown(const struct job_validation *result, const char *run_name,
                               FILE *stream);
/* Adds an object to 'jobs'. */
void validation_to_json(const struct job_validation *result, struct json *jobs);

#endif
