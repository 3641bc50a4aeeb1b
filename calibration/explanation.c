#include "calibration/explanation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/step_observations.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/units.h"

/* Formings that lie this close are one. */
#define SAME_FORMING_PS (100 * PS_PER_US)

/* A replay driven by the measured times of pass. */
struct driver {
    const struct measured_run *run;
    const struct measured_job *job;
    double origin_s;                 /* measured time of the replay's 0 */
    uint32_t next;                   /* step of the run that is formed next */
    struct batch_summary *summaries; /* as our scheduler formed them, by step of the run */
    bool *is_same;                   /* the same as measured, by step of the run */
    uint32_t same;
};

static int64_t scheduled_ps(const struct driver *driver, uint32_t step)
{
    return ps_from_s(driver->run->steps[step].schedule_s - driver->origin_s);
}

static uint32_t end_of(const struct measured_job *job)
{
    return job->first_step + job->step_count;
}

/* The next measured scheduling pass, unless it lies far beyond the end of what is running: then the
 * engine stood idle in between. The ends of the last steps do not show in the log; they are taken
 * to last as long as the one before, since the prices of all steps have added up by then. */
static int64_t next_iteration_ps(void *context, int64_t now_ps, int64_t priced_ps)
{
    struct driver *driver = context;
    uint32_t step = driver->next;
    while (step < end_of(driver->job) && scheduled_ps(driver, step) <= now_ps + SAME_FORMING_PS) {
        step++;
    }
    if (step == end_of(driver->job)) {
        return step > driver->job->first_step + 1
                   ? now_ps + scheduled_ps(driver, step - 1) - scheduled_ps(driver, step - 2)
                   : priced_ps;
    }
    int64_t measured_ps = scheduled_ps(driver, step);
    return measured_ps > priced_ps + 20 * PS_PER_MS + 3 * (priced_ps - now_ps) ? priced_ps
                                                                               : measured_ps;
}

/* The contexts follow from what was formed before. */
static bool is_same_batch(const struct batch_summary *ours, const struct measured_step *measured)
{
    return ours->prefill_tokens == measured->prefill_tokens &&
           ours->prefill_requests == measured->prefill_requests &&
           ours->decode_requests == measured->decode_requests;
}

static void on_schedule(void *context, const struct instance *instance, const struct batch *batch,
                        int64_t now_ps)
{
    struct driver *driver = context;
    (void)instance;
    if (batch->count == 0) {
        return;
    }
    /* From idle the engine forms when a request arrives, a little off the measured time. */
    uint32_t step = driver->next;
    while (step + 1 < end_of(driver->job) && llabs(scheduled_ps(driver, step + 1) - now_ps) <
                                                 llabs(scheduled_ps(driver, step) - now_ps)) {
        step++;
    }
    if (step >= end_of(driver->job)) {
        return;
    }
    driver->summaries[step] = batch->summary;
    driver->is_same[step] = is_same_batch(&batch->summary, &driver->run->steps[step]);
    driver->same += driver->is_same[step];
    driver->next = step + 1;
}

static double first_sent_s(const struct measured_run *run, const struct measured_job *job)
{
    double first_s = INFINITY;
    for (uint32_t i = 0; i < job->request_count; i++) {
        first_s = fmin(first_s, run->requests[job->first_request + i].sent_s);
    }
    return first_s;
}

static void driver_init(struct driver *driver, const struct measured_run *run,
                        const struct measured_job *job)
{
    *driver = (struct driver){
        .run = run, .job = job, .origin_s = first_sent_s(run, job), .next = job->first_step};
    driver->summaries = memory_zeroed(run->step_count, sizeof driver->summaries[0]);
    driver->is_same = memory_zeroed(run->step_count, sizeof driver->is_same[0]);
}

static void driver_clear(struct driver *driver)
{
    free(driver->summaries);
    free(driver->is_same);
}

/* Durations of the job's steps, with the contexts that our scheduler knows one by one. */
static void observe(const struct driver *driver, const struct step_cost *cost,
                    struct step_observations *observations)
{
    struct measured_run one_job = *driver->run;
    struct measured_job job = *driver->job;
    job.is_sweep = true;
    one_job.jobs = &job;
    one_job.job_count = 1;
    step_observations_init(observations, &one_job, cost);
    for (uint32_t i = job.first_step; i < end_of(&job); i++) {
        if (driver->is_same[i]) {
            observations->summaries[i] = driver->summaries[i];
        }
    }
}

static double priced_s(const struct step_observations *observations, const struct step_span *span,
                       const struct step_cost *cost)
{
    double sum = 0;
    for (uint32_t i = span->first; i < span->first + span->count; i++) {
        sum += s_from_ps(step_observations_price(cost, &observations->summaries[i]).gpu_ps);
    }
    return sum;
}

static void explain_cost(const struct step_cost *cost, struct explanation *explanation)
{
    const struct step_observations *observations = &explanation->observations;
    double measured_total = 0;
    double predicted_total = 0;
    for (int regime = 0; regime < STEP_REGIMES; regime++) {
        struct samples errors;
        double measured = 0;
        double predicted = 0;
        samples_init(&errors);
        for (uint32_t s = 0; s < observations->span_count; s++) {
            const struct step_span *span = &observations->spans[s];
            if (span->gpu_s <= 0 || step_regime(&observations->summaries[span->first]) != regime) {
                continue;
            }
            double price_s = priced_s(observations, span, cost);
            measured += span->gpu_s;
            predicted += price_s;
            samples_add(&errors, 100 * fabs(price_s / span->gpu_s - 1));
        }
        explanation->regimes[regime] =
            (struct regime_error){.regime = step_regime_names[regime],
                                  .spans = (uint32_t)errors.count,
                                  .bias_pct = 100 * (predicted / measured - 1),
                                  .median_pct = samples_quantile(&errors, 0.5),
                                  .p95_pct = samples_quantile(&errors, 0.95)};
        samples_clear(&errors);
        measured_total += measured;
        predicted_total += predicted;
    }
    explanation->cost_bias_pct = 100 * (predicted_total / measured_total - 1);
}

bool explanation_run(const struct measured_run *run, const struct measured_job *job,
                     const struct step_cost *cost, struct explanation *ret_explanation,
                     struct error *error)
{
    struct explanation explanation = {.scheduled_batches = job->step_count};
    struct driver driver;
    driver_init(&driver, run, job);
    const struct observer observer = {.state = &driver, .on_schedule = on_schedule};
    const struct replay_settings driven = {.pace = {&driver, next_iteration_ps},
                                           .observers = {&observer, 1}};
    bool ok = validation_replay(run, job, cost, &explanation.both, error) &&
              validation_replay_with(run, job, cost, &driven, &explanation.schedule, error);
    if (ok) {
        observe(&driver, cost, &explanation.observations);
        explanation.same_batches = driver.same;
        explain_cost(cost, &explanation);
        explanation.prefill_burst_steps = prefill_burst_predict(
            run, job, cost, explanation.observations.summaries, explanation.opening);
        *ret_explanation = explanation;
    }
    driver_clear(&driver);
    return ok;
}

void explanation_clear(struct explanation *explanation)
{
    step_observations_clear(&explanation->observations);
}

static void print_ttft(FILE *stream, const char *what, const struct job_validation *result)
{
    const struct distribution *m = &result->ttft_s.measured;
    const struct distribution *p = &result->ttft_s.predicted;
    fprintf(stream, "  %-44s %8.2f %% %+8.2f %% %+8.2f %% %+8.2f %%\n", what, result->e2e_mape_pct,
            compared_error_pct(result->makespan_s),
            compared_error_pct((struct compared){m->mean, p->mean}),
            compared_error_pct((struct compared){m->p90, p->p90}));
}

static void print_opening(const struct explanation *explanation, FILE *stream)
{
    fprintf(
        stream,
        "  prefill burst, given the measured batches, from scheduling to the end that shows:\n");
    for (uint32_t i = 0; i < explanation->prefill_burst_steps; i++) {
        const struct prefill_burst_step *step = &explanation->opening[i];
        fprintf(stream,
                "    %5u tokens of prompts beside %3u decodes %9.1f ms %9.1f ms %+6.1f %%%s\n",
                step->prefill_tokens, step->decode_requests, step->measured_s * 1000,
                step->predicted_s * 1000,
                compared_error_pct((struct compared){step->measured_s, step->predicted_s}),
                step->launch_bound ? " (bound by its launch)" : "");
    }
}

void explanation_print(const struct explanation *explanation, FILE *stream)
{
    fprintf(stream, "%s: where the error comes from\n", explanation->both.name);
    fprintf(stream, "  %-44s %10s %10s %10s %10s\n", "", "E2E each", "makespan", "TTFT mean",
            "TTFT p90");
    print_ttft(stream, "schedule alone (measured times of scheduling)", &explanation->schedule);
    print_ttft(stream, "schedule and prices", &explanation->both);
    fprintf(stream, "  scheduled the same batch in %u of %u scheduling passes\n",
            explanation->same_batches, explanation->scheduled_batches);
    fprintf(stream, "  prices alone (measured batches): %+.2f %% of the GPU time; by regime\n",
            explanation->cost_bias_pct);
    for (int i = 0; i < STEP_REGIMES; i++) {
        const struct regime_error *regime = &explanation->regimes[i];
        if (regime->spans > 0) {
            fprintf(stream,
                    "    %-36s %6u spans, bias %+6.2f %%, median error %5.2f %%, p95 %5.2f %%\n",
                    regime->regime, regime->spans, regime->bias_pct, regime->median_pct,
                    regime->p95_pct);
        }
    }
    print_opening(explanation, stream);
    fputc('\n', stream);
}

static void write_state(FILE *stream, const char *who, double time_s, double running, double kv)
{
    fprintf(stream, "%s,%.6f,%.0f,%.6f\n", who, time_s, running, kv);
}

/* One row a scheduling pass of our own, unhindered run. */
static void write_schedule(void *context, const struct instance *instance,
                           const struct batch *batch, int64_t now_ps)
{
    (void)batch;
    write_state(context, "predicted", s_from_ps(now_ps), instance->running_count,
                kv_cache_utilization(&instance->kv_cache));
}

static bool write_states(const struct measured_run *run, const struct measured_job *job,
                         const struct step_cost *cost, const char *directory, struct error *error)
{
    struct output_file file = {0};
    struct job_validation ignored;
    if (!output_file_open(&file, directory, "explain_state.csv", error)) {
        return false;
    }
    const struct observer observer = {.state = file.stream, .on_schedule = write_schedule};
    const struct replay_settings watched = {.observers = {&observer, 1}};
    fputs("source,time_s,running,kv_utilization\n", file.stream);
    double origin_s = first_sent_s(run, job);
    for (uint32_t i = job->first_step; i < end_of(job); i++) {
        const struct measured_step *step = &run->steps[i];
        write_state(file.stream, "measured", step->schedule_s - origin_s, step->running_requests,
                    step->kv_utilization);
    }
    if (!validation_replay_with(run, job, cost, &watched, &ignored, error)) {
        output_file_discard(&file);
        return false;
    }
    return output_file_commit(&file, error);
}

static bool write_residuals(const struct step_observations *observations,
                            const struct step_cost *cost, const char *directory,
                            struct error *error)
{
    struct output_file file = {0};
    if (!output_file_open(&file, directory, "explain_steps.csv", error)) {
        return false;
    }
    fputs("regime,steps,tokens,decode_requests,measured_ms,predicted_ms\n", file.stream);
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        const struct batch_summary *first = &observations->summaries[span->first];
        if (span->gpu_s > 0) {
            fprintf(file.stream, "%d,%u,%u,%u,%.4f,%.4f\n", step_regime(first), span->count,
                    batch_summary_tokens(first), first->decode_requests, span->gpu_s * 1000,
                    priced_s(observations, span, cost) * 1000);
        }
    }
    return output_file_commit(&file, error);
}

bool explanation_write(const struct measured_run *run, const struct measured_job *job,
                       const struct step_cost *cost, const struct explanation *explanation,
                       const char *directory, struct error *error)
{
    return write_states(run, job, cost, directory, error) &&
           write_residuals(&explanation->observations, cost, directory, error);
}
