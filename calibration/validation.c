#include "calibration/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/replay_load.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/scenario/scenario_run.h"

double compared_error_pct(struct compared compared)
{
    return 100 * (compared.predicted / compared.measured - 1);
}

static bool deployment_of(const struct measured_run *run, const struct step_cost *cost,
                          struct deployment *deployment, struct error *error)
{
    const struct measured_engine *engine = &run->engine;
    if (!text_equal(engine->engine, "vllm") || !text_starts_with(engine->engine_version, "0.24")) {
        return error_set(error, "%s: no engine preset for '%s' version '%s', expected vllm 0.24",
                         run->path, engine->engine, engine->engine_version);
    }
    const struct engine_preset *preset = &engine_preset_vllm_0_24;
    struct engine_settings settings = preset->defaults;
    settings.max_batch_tokens = engine->max_batch_tokens;
    settings.max_batch_requests = engine->max_batch_requests;
    settings.max_model_len = engine->max_model_len;
    settings.block_tokens = engine->block_tokens;
    settings.num_blocks = engine->num_blocks;
    settings.new_sizes_wait = engine->new_sizes_wait;
    settings.prefix_caching = engine->prefix_caching;
    settings.draft_tokens = engine->speculation.draft_tokens;
    settings.async_scheduling = engine->speculation.draft_tokens == 0;
    deployment_of_log(deployment, preset, &settings, cost);
    return scheduling_policy_find(engine->scheduling_policy, &deployment->instance.policy, error) ||
           error_add_place(error, "%s/engine.json: 'scheduling_policy'", run->path);
}

static struct distribution distribution_of(const double *values, uint32_t count)
{
    struct samples samples;
    samples_init(&samples);
    for (uint32_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            samples_add(&samples, values[i]);
        }
    }
    struct distribution distribution = samples_distribution(&samples);
    samples_clear(&samples);
    return distribution;
}

static double per_output_token(double first_s, double last_s, uint32_t output_tokens)
{
    return output_tokens > 1 ? (last_s - first_s) / (output_tokens - 1) : NAN;
}

/* Measured and predicted of one figure, request by request. */
struct columns {
    double *measured;
    double *predicted;
};

static struct compared_distribution compare(struct columns columns, uint32_t count)
{
    return (struct compared_distribution){.measured = distribution_of(columns.measured, count),
                                          .predicted = distribution_of(columns.predicted, count)};
}

static void compare_requests(const struct measured_request *measured,
                             const struct request *predicted, uint32_t count,
                             struct job_validation *result)
{
    double *room = memory_zeroed(8 * (size_t)count, sizeof room[0]);
    struct columns ttft = {room, room + count};
    struct columns tpot = {room + 2 * (size_t)count, room + 3 * (size_t)count};
    struct columns e2e = {room + 4 * (size_t)count, room + 5 * (size_t)count};
    struct columns max_itl = {room + 6 * (size_t)count, room + 7 * (size_t)count};
    double last_measured = 0;
    double last_predicted = 0;
    double error_sum = 0;
    double ttft_sum = 0;
    double decode_sum = 0;
    uint32_t decoding = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct measured_request *one = &measured[i];
        double sent = s_from_ps(predicted[i].ask.sent_ps);
        double first = s_from_ps(predicted[i].clock.first_token_ps);
        double last = s_from_ps(predicted[i].clock.last_token_ps);
        ttft.measured[i] = one->first_token_s - one->sent_s;
        ttft.predicted[i] = first - sent;
        e2e.measured[i] = one->last_token_s - one->sent_s;
        e2e.predicted[i] = last - sent;
        tpot.measured[i] =
            per_output_token(one->first_token_s, one->last_token_s, one->output_tokens);
        tpot.predicted[i] = per_output_token(first, last, one->output_tokens);
        max_itl.measured[i] = one->output_tokens > 1 ? one->max_itl_s : NAN;
        max_itl.predicted[i] =
            one->output_tokens > 1 ? s_from_ps(predicted[i].clock.max_itl_ps) : NAN;
        ttft_sum += fabs(ttft.predicted[i] / ttft.measured[i] - 1);
        if (one->last_token_s > one->first_token_s) {
            decode_sum += fabs((last - first) / (one->last_token_s - one->first_token_s) - 1);
            decoding++;
        }
        error_sum += fabs(e2e.predicted[i] / e2e.measured[i] - 1);
        last_measured = fmax(last_measured, one->last_token_s - measured[0].sent_s);
        last_predicted = fmax(last_predicted, last - s_from_ps(predicted[0].ask.sent_ps));
    }
    result->e2e_mape_pct = 100 * error_sum / count;
    result->ttft_mape_pct = 100 * ttft_sum / count;
    result->decode_mape_pct = decoding > 0 ? 100 * decode_sum / decoding : 0;
    result->ttft_s = compare(ttft, count);
    result->tpot_s = compare(tpot, count);
    result->max_itl_s = compare(max_itl, count);
    result->e2e_s = compare(e2e, count);
    result->makespan_s = (struct compared){last_measured, last_predicted};
    free(room);
}

/* The engine's own log of the job: state just after each pass. */
static void measure_state(const struct measured_run *run, const struct measured_job *job,
                          struct job_validation *result)
{
    double integral = 0;
    double span = 0;
    for (uint32_t i = 0; i < job->request_count; i++) {
        result->hit_tokens.measured += run->requests[job->first_request + i].prompt_tokens;
    }
    for (uint32_t i = job->first_step; i < job->first_step + job->step_count; i++) {
        const struct measured_step *step = &run->steps[i];
        bool last = i + 1 == job->first_step + job->step_count;
        double length = last ? 0 : step[1].schedule_s - step->schedule_s;
        result->kv_peak.measured = fmax(result->kv_peak.measured, step->kv_utilization);
        result->preemptions.measured += step->preempted_requests;
        result->hit_tokens.measured -= step->prefill_tokens;
        integral += step->kv_utilization * length;
        span += length;
    }
    result->kv_mean.measured = span > 0 ? integral / span : NAN;
    if (job->step_count == 0) {
        result->kv_peak.measured = NAN;
        result->preemptions.measured = NAN;
    }
}

static bool replay_once(const struct simulation_settings *settings, struct replay_load *load,
                        const char *job, struct job_validation *result, struct error *error)
{
    struct simulation *simulation = simulation_create(settings, load->requests, load->count);
    simulation_run(simulation);
    struct timeline_summary timeline = timeline_summarize(simulation_timeline(simulation));
    bool ok =
        simulation_counts(simulation)->rejected == 0 ||
        error_set(error, "job '%s' holds requests that its engine could not have served", job);
    if (ok && result != NULL) {
        compare_requests(load->measured, load->requests, load->count, result);
        result->kv_peak.predicted = timeline.kv_peak;
        result->kv_mean.predicted = timeline.kv_mean;
        result->preemptions.predicted = (double)simulation_step_counts(simulation)->preemptions;
        result->hit_tokens.predicted = 0;
        for (uint32_t i = 0; i < load->count; i++) {
            result->hit_tokens.predicted += load->requests[i].cached_tokens;
        }
    }
    simulation_destroy(simulation);
    return ok;
}

/* Replays sessions until their turns follow the answers, unless they are to be sent at the measured
 * times. */
static bool settle(const struct simulation_settings *settings, struct replay_load *load,
                   const struct replay_settings *replay, struct error *error)
{
    enum { MAX_ROUNDS = 60 };
    const double still_s = 1e-4;
    const struct simulation_settings silent = {.groups = settings->groups,
                                               .group_count = settings->group_count,
                                               .client = settings->client,
                                               .noise = settings->noise,
                                               .stepwise = settings->stepwise,
                                               .seed = settings->seed};
    double moved_s = load->has_sessions && !replay->open_loop ? INFINITY : 0;
    for (int round = 0; round < MAX_ROUNDS && moved_s > still_s; round++) {
        if (!replay_once(&silent, load, "sessions", NULL, error)) {
            return false;
        }
        moved_s = replay_load_follow_answers(load);
    }
    return moved_s < 0.1 || error_set(error,
                                      "the turns of its sessions do not come to rest: "
                                      "some still move by %.1f s; replay them open-loop",
                                      moved_s);
}

bool validation_replay(const struct measured_run *run, const struct measured_job *job,
                       const struct step_cost *cost, struct job_validation *ret_result,
                       struct error *error)
{
    const struct replay_settings as_priced = {.noise = false};
    return validation_replay_with(run, job, cost, &as_priced, ret_result, error);
}

bool validation_replay_with(const struct measured_run *run, const struct measured_job *job,
                            const struct step_cost *cost, const struct replay_settings *replay,
                            struct job_validation *ret_result, struct error *error)
{
    struct deployment deployment;
    if (!deployment_of(run, cost, &deployment, error)) {
        return false;
    }
    if (job->request_count == 0) {
        return error_set(error, "%s: job '%s' has no requests in requests.csv", run->path,
                         job->name);
    }
    struct launched_sizes known_sizes = {NULL, 0};
    measured_run_note_sizes(run, job->first_step, &known_sizes);
    deployment.instance.known_sizes = &known_sizes;
    struct simulation_settings settings = scenario_run_settings(&deployment);
    settings.pace = replay->pace;
    settings.observers = replay->observers;
    settings.noise = replay->noise;
    settings.stepwise = replay->stepwise;
    settings.seed = replay->seed;
    struct replay_load load;
    replay_load_init(&load, run, job, replay->seed);
    bool ok = settle(&settings, &load, replay, error) || error_add_place(error, "%s", run->path);
    if (ok) {
        struct job_validation result = {.requests = job->request_count};
        snprintf(result.name, sizeof result.name, "%s", job->name);
        measure_state(run, job, &result);
        ok = replay_once(&settings, &load, job->name, &result, error) ||
             error_add_place(error, "%s", run->path);
        if (ok) {
            *ret_result = result;
        }
    }
    launched_sizes_clear(&known_sizes);
    replay_load_clear(&load);
    return ok;
}

static void add_share(double *sum, double value, double share)
{
    *sum += value * share;
}

static void add_distribution_share(struct distribution *sum, const struct distribution *one,
                                   double share)
{
    add_share(&sum->mean, one->mean, share);
    add_share(&sum->p50, one->p50, share);
    add_share(&sum->p90, one->p90, share);
    add_share(&sum->p99, one->p99, share);
    add_share(&sum->max, one->max, share);
}

static void add_result_share(struct job_validation *sum, const struct job_validation *one,
                             double share)
{
    add_share(&sum->e2e_mape_pct, one->e2e_mape_pct, share);
    add_share(&sum->ttft_mape_pct, one->ttft_mape_pct, share);
    add_share(&sum->decode_mape_pct, one->decode_mape_pct, share);
    add_distribution_share(&sum->e2e_s.predicted, &one->e2e_s.predicted, share);
    add_distribution_share(&sum->ttft_s.predicted, &one->ttft_s.predicted, share);
    add_distribution_share(&sum->tpot_s.predicted, &one->tpot_s.predicted, share);
    add_distribution_share(&sum->max_itl_s.predicted, &one->max_itl_s.predicted, share);
    add_share(&sum->makespan_s.predicted, one->makespan_s.predicted, share);
    add_share(&sum->kv_peak.predicted, one->kv_peak.predicted, share);
    add_share(&sum->kv_mean.predicted, one->kv_mean.predicted, share);
    add_share(&sum->preemptions.predicted, one->preemptions.predicted, share);
    add_share(&sum->hit_tokens.predicted, one->hit_tokens.predicted, share);
}

bool validation_replay_noisy(const struct measured_run *run, const struct measured_job *job,
                             const struct step_cost *cost, const struct replay_settings *settings,
                             struct job_validation *ret_result, struct error *error)
{
    struct job_validation mean = {.requests = 0};
    struct replay_settings drawn = *settings;
    drawn.noise = true;
    for (uint32_t i = 0; i < settings->replications; i++) {
        struct job_validation one = {.requests = 0};
        drawn.seed = i + 1;
        if (!validation_replay_with(run, job, cost, &drawn, &one, error)) {
            return false;
        }
        if (i == 0) {
            mean = one;
            add_result_share(&mean, &one, 1.0 / settings->replications - 1);
        } else {
            add_result_share(&mean, &one, 1.0 / settings->replications);
        }
    }
    *ret_result = mean;
    return true;
}

static void print_row(FILE *stream, const char *name, struct compared compared, double scale,
                      const char *unit)
{
    if (isnan(compared.measured)) {
        fprintf(stream, "  %-18s %11s %11.3f %-4s\n", name, "not logged",
                compared.predicted * scale, unit);
        return;
    }
    fprintf(stream, "  %-18s %11.3f %11.3f %-4s %+7.2f %%\n", name, compared.measured * scale,
            compared.predicted * scale, unit, compared_error_pct(compared));
}

static void print_distribution(FILE *stream, const char *name,
                               const struct compared_distribution *compared, double scale,
                               const char *unit)
{
    char label[32];
    const struct distribution *m = &compared->measured;
    const struct distribution *p = &compared->predicted;
    const struct {
        const char *name;
        struct compared values;
    } rows[] = {{"mean", {m->mean, p->mean}},
                {"p50", {m->p50, p->p50}},
                {"p90", {m->p90, p->p90}},
                {"p99", {m->p99, p->p99}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(label, sizeof label, "%s %s", name, rows[i].name);
        print_row(stream, label, rows[i].values, scale, unit);
    }
}

void validation_print(const struct job_validation *result, FILE *stream)
{
    fprintf(stream, "%s: %u requests, end-to-end error per request %.2f %%\n", result->name,
            result->requests, result->e2e_mape_pct);
    fprintf(stream, "  %-18s %11s %11s      %9s\n", "", "measured", "predicted", "error");
    print_distribution(stream, "E2E", &result->e2e_s, 1, "s");
    print_distribution(stream, "TTFT", &result->ttft_s, 1000, "ms");
    print_distribution(stream, "TPOT", &result->tpot_s, 1000, "ms");
    print_distribution(stream, "largest ITL", &result->max_itl_s, 1000, "ms");
    print_row(stream, "makespan", result->makespan_s, 1, "s");
    print_row(stream, "KV peak", result->kv_peak, 100, "%");
    print_row(stream, "KV mean", result->kv_mean, 100, "%");
    if (result->hit_tokens.predicted > 0) {
        print_row(stream, "hit tokens", result->hit_tokens, 1, "");
    }
    if (isnan(result->preemptions.measured)) {
        fprintf(stream, "  %-18s %11s %11.3g\n\n", "preemptions", "not logged",
                result->preemptions.predicted);
        return;
    }
    fprintf(stream, "  %-18s %11.0f %11.3g\n\n", "preemptions", result->preemptions.measured,
            result->preemptions.predicted);
}

void validation_print_markdown_header(FILE *stream)
{
    fputs("| run | job | E2E error per request | makespan | TTFT mean | TTFT p50 / p90 | KV peak, "
          "points | preemptions, measured / predicted |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
          stream);
}

void validation_print_markdown(const struct job_validation *result, const char *run_name,
                               FILE *stream)
{
    const struct distribution *m = &result->ttft_s.measured;
    const struct distribution *p = &result->ttft_s.predicted;
    fprintf(stream,
            "| %s | %s | %.2f %% | %+.2f %% | %+.1f %% | %+.1f %% / %+.1f %% | %+.2f | %.0f / %.0f "
            "|\n",
            run_name, result->name, result->e2e_mape_pct, compared_error_pct(result->makespan_s),
            compared_error_pct((struct compared){m->mean, p->mean}),
            compared_error_pct((struct compared){m->p50, p->p50}),
            compared_error_pct((struct compared){m->p90, p->p90}),
            100 * (result->kv_peak.predicted - result->kv_peak.measured),
            result->preemptions.measured, result->preemptions.predicted);
}

static void add_compared(struct json *object, const char *name, struct compared compared)
{
    struct json *child = json_add_object(object, name);
    json_add_number(child, "measured", compared.measured);
    json_add_number(child, "predicted", compared.predicted);
    json_add_number(child, "error_pct", compared_error_pct(compared));
}

static void add_distribution(struct json *object, const char *name,
                             const struct compared_distribution *compared)
{
    struct json *child = json_add_object(object, name);
    const struct distribution *m = &compared->measured;
    const struct distribution *p = &compared->predicted;
    add_compared(child, "mean", (struct compared){m->mean, p->mean});
    add_compared(child, "p50", (struct compared){m->p50, p->p50});
    add_compared(child, "p90", (struct compared){m->p90, p->p90});
    add_compared(child, "p99", (struct compared){m->p99, p->p99});
}

void validation_to_json(const struct job_validation *result, struct json *jobs)
{
    struct json *job = json_add_object(jobs, NULL);
    json_add_text(job, "name", result->name);
    json_add_number(job, "requests", result->requests);
    json_add_number(job, "e2e_mape_pct", result->e2e_mape_pct);
    add_distribution(job, "e2e_s", &result->e2e_s);
    add_distribution(job, "ttft_s", &result->ttft_s);
    add_distribution(job, "tpot_s", &result->tpot_s);
    add_distribution(job, "max_itl_s", &result->max_itl_s);
    add_compared(job, "makespan_s", result->makespan_s);
    add_compared(job, "kv_peak", result->kv_peak);
    add_compared(job, "kv_mean", result->kv_mean);
    add_compared(job, "preemptions", result->preemptions);
    add_compared(job, "hit_tokens", result->hit_tokens);
}
