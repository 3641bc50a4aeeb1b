#include "calibration/latency_fit.h"

#include <gsl/gsl_multimin.h>
#include <math.h>
#include <stdio.h>

#include "calibration/validation.h"

enum { PARAMETERS = 4, MAX_ITERATIONS = 150 };

/* Weight of an error in TTFT against the same error in the time of decoding: TTFT scatters more. */
#define TTFT_WEIGHT 0.2

struct problem {
    const struct measured_run *run;
    struct step_cost start;
    struct error *error;
    bool failed;
};

static void scale_curve(struct cost_curve *curve, double ratio)
{
    for (uint32_t k = 0; k < curve->count; k++) {
        curve->cost_ps[k] *= ratio;
    }
}

/* Parameters are logarithms of ratios, so that every ratio stays above zero. */
static struct step_cost stretched(const struct step_cost *start, const gsl_vector *parameters)
{
    struct step_cost cost = *start;
    double decode = exp(gsl_vector_get(parameters, 0));
    double attention = exp(gsl_vector_get(parameters, 1));
    double prefill = exp(gsl_vector_get(parameters, 2));
    double overhead = exp(gsl_vector_get(parameters, 3));
    scale_curve(&cost.decode, decode);
    scale_curve(&cost.mixed, prefill);
    cost.tile_ps *= attention;
    cost.mixed_attention_ps *= prefill;
    for (int graph = 0; graph < 3; graph++) {
        cost.host.launch_ps[graph] = llround((double)cost.host.launch_ps[graph] * overhead);
    }
    cost.host.launch_tail_ps = llround((double)cost.host.launch_tail_ps * overhead);
    cost.host.request_overhead_ps = llround((double)cost.host.request_overhead_ps * overhead);
    cost.host.idle_start_ps = llround((double)cost.host.idle_start_ps * overhead);
    cost.host.output_overhead_ps = llround((double)cost.host.output_overhead_ps * overhead);
    return cost;
}

/* Mean errors over the requests of all jobs. */
static bool measure(struct problem *problem, const struct step_cost *cost, double *ret_ttft,
                    double *ret_decode)
{
    double ttft = 0;
    double decode = 0;
    double requests = 0;
    for (uint32_t j = 0; j < problem->run->job_count; j++) {
        const struct measured_job *job = &problem->run->jobs[j];
        struct job_validation result;
        if (job->request_count == 0) {
            continue;
        }
        if (!validation_replay(problem->run, job, cost, &result, problem->error)) {
            return false;
        }
        ttft += result.ttft_mape_pct * job->request_count;
        decode += result.decode_mape_pct * job->request_count;
        requests += job->request_count;
    }
    *ret_ttft = ttft / requests;
    *ret_decode = decode / requests;
    return true;
}

static double objective(const gsl_vector *parameters, void *context)
{
    struct problem *problem = context;
    struct step_cost cost = stretched(&problem->start, parameters);
    double ttft = 0;
    double decode = 0;
    if (problem->failed || !measure(problem, &cost, &ttft, &decode)) {
        problem->failed = true;
        return 0;
    }
    return decode + TTFT_WEIGHT * ttft;
}

/* Nelder and Mead's simplex: the objective is a simulation and has no slope to follow. */
static void minimize(struct problem *problem, gsl_vector *parameters)
{
    gsl_multimin_function function = {.f = objective, .n = PARAMETERS, .params = problem};
    gsl_vector *step = gsl_vector_alloc(PARAMETERS);
    gsl_vector_set_all(step, 0.1);
    gsl_multimin_fminimizer *minimizer =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, PARAMETERS);
    gsl_multimin_fminimizer_set(minimizer, &function, parameters, step);
    for (int i = 0; i < MAX_ITERATIONS && !problem->failed; i++) {
        if (gsl_multimin_fminimizer_iterate(minimizer) != 0 ||
            gsl_multimin_fminimizer_size(minimizer) < 1e-3) {
            break;
        }
    }
    gsl_vector_memcpy(parameters, minimizer->x);
    gsl_multimin_fminimizer_free(minimizer);
    gsl_vector_free(step);
}

bool latency_fit_run(const struct measured_run *run, struct step_cost *cost,
                     struct latency_fit_report *ret_report, struct error *error)
{
    if (run->request_count == 0) {
        return error_set(error, "%s/requests.csv: no requests to fit to", run->path);
    }
    struct problem problem = {.run = run, .start = *cost, .error = error};
    gsl_vector *parameters = gsl_vector_calloc(PARAMETERS);
    minimize(&problem, parameters);
    struct step_cost fitted = stretched(&problem.start, parameters);
    struct latency_fit_report report = {
        .decode_ratio = exp(gsl_vector_get(parameters, 0)),
        .attention_ratio = exp(gsl_vector_get(parameters, 1)),
        .prefill_ratio = exp(gsl_vector_get(parameters, 2)),
        .overhead_ratio = exp(gsl_vector_get(parameters, 3)),
    };
    gsl_vector_free(parameters);
    if (problem.failed ||
        !measure(&problem, &fitted, &report.ttft_error_pct, &report.decode_error_pct)) {
        return false;
    }
    measured_run_identify(run, &fitted.identity);
    *cost = fitted;
    *ret_report = report;
    return true;
}
