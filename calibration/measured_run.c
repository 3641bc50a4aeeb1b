#include "calibration/measured_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/hardware/precision.h"

#define TEXT(member) .name = #member, .type = SETTING_TEXT, SETTING_OF(measured_engine, member)
#define WHOLE(member)                                                                              \
    .name = #member, .type = SETTING_WHOLE, SETTING_OF(measured_engine, member), .minimum = 1,     \
    .maximum = 4e9

static const struct setting engine_settings[] = {
    {TEXT(engine), .required = true},
    {TEXT(engine_version), .required = true},
    {.name = "scheduler", .type = SETTING_IGNORED},
    {TEXT(gpu), .required = true},
    {.name = "gpus", .type = SETTING_IGNORED},
    {WHOLE(tensor_parallel), .required = true},
    {TEXT(weights), .required = true},
    {TEXT(kv_cache), .required = true},
    {TEXT(model), .required = true},
    {WHOLE(block_tokens), .required = true},
    {WHOLE(num_blocks), .required = true},
    {WHOLE(max_batch_requests), .required = true},
    {WHOLE(max_batch_tokens), .required = true},
    {.name = "prefix_caching", .type = SETTING_BOOL, SETTING_OF(measured_engine, prefix_caching)},
    {WHOLE(max_model_len), .required = true},
    {TEXT(scheduling_policy)},
    {.name = "sampling", .type = SETTING_IGNORED},
    {.name = "gpu_memory_utilization",
     .type = SETTING_NUMBER,
     SETTING_OF(measured_engine, gpu_memory_utilization),
     .minimum = 0,
     .maximum = 1},
    {.name = "num_blocks_override", .type = SETTING_IGNORED},
    {.name = "speculation.method",
     .type = SETTING_TEXT,
     SETTING_OF(measured_engine, speculation.method)},
    {.name = "speculation.draft_tokens",
     .type = SETTING_WHOLE,
     SETTING_OF(measured_engine, speculation.draft_tokens),
     .minimum = 1,
     .maximum = MEASURED_MAX_DRAFTS},
    {.name = "speculation.prompt_lookup_min", .type = SETTING_IGNORED},
    {.name = "speculation.prompt_lookup_max", .type = SETTING_IGNORED},
    {.name = "speculation.acceptance_by_position", .type = SETTING_IGNORED}, /* read apart */
    {.name = "speculation.acceptance", .type = SETTING_IGNORED},
    {.name = NULL},
};

/* Clocks are logged to microseconds, and rounded. */
#define CLOCK_TICK_S 1e-4

/* Shares of verifications by position; each position needs the one before it. */
static bool read_acceptance(struct measured_engine *engine, const struct json *document,
                            const char *path, struct error *error)
{
    struct measured_speculation *speculation = &engine->speculation;
    const struct json *object = json_find(document, "speculation");
    double before = 1;
    if (object == NULL || speculation->draft_tokens == 0) {
        return true;
    }
    if (!json_numbers(object, path, "acceptance_by_position", speculation->acceptance,
                      speculation->draft_tokens, error)) {
        return false;
    }
    for (uint32_t i = 0; i < speculation->draft_tokens; i++) {
        double share = speculation->acceptance[i];
        if (!(share >= 0 && share <= before)) {
            return error_set(error,
                             "%s: 'acceptance_by_position' must fall from 1 to 0, found %g "
                             "after %g",
                             path, share, before);
        }
        before = share;
    }
    return true;
}

static bool read_engine(struct measured_run *run, struct error *error)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/engine.json", run->path);
    struct json *document = NULL;
    snprintf(run->engine.scheduling_policy, sizeof run->engine.scheduling_policy, "fcfs");
    bool ok = json_read_file(path, &document, error) &&
              settings_read(engine_settings, document, path, &run->engine, error) &&
              read_acceptance(&run->engine, document, path, error);
    json_destroy(document);
    const struct weight_precision *weights = NULL;
    if (ok && !weight_precision_find(run->engine.weights, &weights, error)) {
        ok = error_add_place(error, "%s: 'weights'", path);
    }
    const struct kv_precision *kv = NULL;
    if (ok && !kv_precision_find(run->engine.kv_cache, &kv, error)) {
        ok = error_add_place(error, "%s: 'kv_cache'", path);
    }
    run->engine.new_sizes_wait = ok && weights->waits_for_new_sizes;
    return ok;
}

/* The first 'required' columns must be there, the others may. */
static bool open_table(const struct measured_run *run, const char *name, const char *const *columns,
                       size_t required, struct csv_reader *reader, struct error *error)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", run->path, name);
    if (!csv_open(reader, path, columns, error)) {
        return false;
    }
    for (size_t i = 0; i < required; i++) {
        size_t column = 0;
        if (!csv_require(reader, columns[i], &column, error)) {
            csv_close(reader);
            return false;
        }
    }
    return true;
}

static bool get_s(const struct csv_reader *reader, const char *name, double *value,
                  struct error *error)
{
    return csv_double(reader, (size_t)csv_find(reader, name), 0, MAX_TIME_S, value, error);
}

static bool get_whole(const struct csv_reader *reader, const char *name, uint32_t minimum,
                      uint32_t *value, struct error *error)
{
    return csv_whole(reader, (size_t)csv_find(reader, name), minimum, value, error);
}

/* 0 where the file lacks the column. */
static bool get_optional(const struct csv_reader *reader, const char *name, uint32_t *value,
                         struct error *error)
{
    int column = csv_find(reader, name);
    *value = 0;
    return column < 0 || csv_whole(reader, (size_t)column, 0, value, error);
}

static bool read_job(const struct csv_reader *reader, struct measured_job *job, struct error *error)
{
    const char *name = reader->fields[csv_find(reader, "job")];
    if (!text_copy(job->name, sizeof job->name, name)) {
        return error_set(error, "%s:%llu: 'job' is longer than %zu characters", reader->path,
                         (unsigned long long)reader->line, sizeof job->name - 1);
    }
    unsigned requests = 0;
    unsigned prompt_tokens = 0;
    job->is_sweep = sscanf(name, "sweep:%ux%u", &requests, &prompt_tokens) == 2;
    job->sweep_prompt_tokens = prompt_tokens;
    return get_s(reader, "start_s", &job->start_s, error) &&
           get_s(reader, "end_s", &job->end_s, error);
}

static bool read_jobs(struct measured_run *run, struct error *error)
{
    static const char *const columns[] = {"job", "start_s", "end_s", NULL};
    struct csv_reader reader;
    if (!open_table(run, "jobs.csv", columns, 3, &reader, error)) {
        return false;
    }
    size_t capacity = 0;
    bool more = false;
    bool ok = csv_next(&reader, &more, error);
    while (ok && more) {
        run->jobs = memory_grow(run->jobs, &capacity, run->job_count + 1, sizeof run->jobs[0]);
        struct measured_job *job = &run->jobs[run->job_count++];
        memset(job, 0, sizeof *job);
        ok = read_job(&reader, job, error);
        if (ok && job->end_s <= job->start_s) {
            ok = error_set(error, "%s:%llu: 'end_s' does not lie behind 'start_s'", reader.path,
                           (unsigned long long)reader.line);
        }
        ok = ok && csv_next(&reader, &more, error);
    }
    csv_close(&reader);
    return ok && (run->job_count > 0 || error_set(error, "%s/jobs.csv: no jobs", run->path));
}

/* What only some runs have: priorities, conversations, shared beginnings. */
static bool read_context(const struct csv_reader *reader, struct measured_request *request,
                         struct error *error)
{
    uint32_t priority = 0;
    if (!get_optional(reader, "priority", &priority, error) ||
        !get_optional(reader, "conversation_id", &request->conversation_id, error) ||
        !get_optional(reader, "turn", &request->turn, error) ||
        !get_optional(reader, "prefix_id", &request->prefix_id, error) ||
        !get_optional(reader, "prefix_tokens", &request->prefix_tokens, error)) {
        return false;
    }
    if (priority > INT32_MAX || request->prefix_tokens > request->prompt_tokens) {
        return error_set(error,
                         "%s:%llu: 'priority' must fit 31 bits and 'prefix_tokens' not exceed "
                         "'prompt_tokens'",
                         reader->path, (unsigned long long)reader->line);
    }
    request->priority = (int32_t)priority;
    return true;
}

static bool read_request(const struct csv_reader *reader, struct measured_run *run,
                         struct measured_request *request, struct error *error)
{
    const char *name = reader->fields[csv_find(reader, "job")];
    uint32_t job = 0;
    while (job < run->job_count && !text_equal(run->jobs[job].name, name)) {
        job++;
    }
    if (job == run->job_count) {
        return error_set(error, "%s:%llu: job '%.40s' is not in jobs.csv", reader->path,
                         (unsigned long long)reader->line, name);
    }
    request->job = job;
    uint32_t index = (uint32_t)(request - run->requests);
    if (run->jobs[job].request_count++ == 0) {
        run->jobs[job].first_request = index;
    } else if (run->jobs[job].first_request + run->jobs[job].request_count - 1 != index) {
        return error_set(error, "%s:%llu: requests of job '%s' must stand together", reader->path,
                         (unsigned long long)reader->line, name);
    }
    return get_whole(reader, "request_id", 0, &request->request_id, error) &&
           get_whole(reader, "prompt_tokens", 1, &request->prompt_tokens, error) &&
           get_whole(reader, "output_tokens", 1, &request->output_tokens, error) &&
           get_s(reader, "sent_s", &request->sent_s, error) &&
           get_s(reader, "first_token_s", &request->first_token_s, error) &&
           get_s(reader, "last_token_s", &request->last_token_s, error) &&
           get_s(reader, "max_itl_s", &request->max_itl_s, error) &&
           read_context(reader, request, error);
}

/* Times that no clock can show. */
static bool check_times(const struct csv_reader *reader, const struct measured_run *run,
                        const struct measured_request *request, struct error *error)
{
    bool is_first = run->jobs[request->job].request_count == 1;
    const char *problem =
        request->first_token_s < request->sent_s ? "'first_token_s' lies before 'sent_s'"
        : request->last_token_s < request->first_token_s
            ? "'last_token_s' lies before 'first_token_s'"
        : request->last_token_s <= request->sent_s ? "'last_token_s' is 'sent_s'"
        : request->max_itl_s > request->last_token_s - request->first_token_s + CLOCK_TICK_S
            ? "'max_itl_s' is longer than all tokens together"
        : !is_first && request->sent_s < request[-1].sent_s
            ? "requests of a job must stand in order of sending"
            : NULL;
    return problem == NULL ||
           error_set(error, "%s:%llu: %s", reader->path, (unsigned long long)reader->line, problem);
}

static bool read_requests(struct measured_run *run, struct error *error)
{
    static const char *const columns[] = {"job",           "request_id",
                                          "prompt_tokens", "output_tokens",
                                          "sent_s",        "first_token_s",
                                          "last_token_s",  "max_itl_s",
                                          "priority",      "conversation_id",
                                          "turn",          "prefix_id",
                                          "prefix_tokens", NULL};
    struct csv_reader reader;
    if (!open_table(run, "requests.csv", columns, 8, &reader, error)) {
        return false;
    }
    size_t capacity = 0;
    bool more = false;
    bool ok = csv_next(&reader, &more, error);
    while (ok && more) {
        run->requests =
            memory_grow(run->requests, &capacity, run->request_count + 1, sizeof run->requests[0]);
        struct measured_request *request = &run->requests[run->request_count++];
        ok = read_request(&reader, run, request, error) &&
             check_times(&reader, run, request, error) && csv_next(&reader, &more, error);
    }
    csv_close(&reader);
    return ok;
}

static bool read_step(const struct csv_reader *reader, struct measured_step *step,
                      struct error *error)
{
    /* steps that warm the engine up may lie before the zero of the clock */
    return csv_double(reader, (size_t)csv_find(reader, "schedule_s"), -MAX_TIME_S, MAX_TIME_S,
                      &step->schedule_s, error) &&
           get_whole(reader, "prefill_tokens", 0, &step->prefill_tokens, error) &&
           get_whole(reader, "prefill_requests", 0, &step->prefill_requests, error) &&
           get_whole(reader, "prefill_context_tokens", 0, &step->prefill_context_tokens, error) &&
           get_whole(reader, "decode_requests", 0, &step->decode_requests, error) &&
           get_whole(reader, "decode_context_tokens", 0, &step->decode_context_tokens, error) &&
           get_whole(reader, "running_requests", 0, &step->running_requests, error) &&
           get_whole(reader, "waiting_requests", 0, &step->waiting_requests, error) &&
           csv_double(reader, (size_t)csv_find(reader, "kv_utilization"), 0, 1,
                      &step->kv_utilization, error) &&
           get_whole(reader, "preempted_requests", 0, &step->preempted_requests, error) &&
           get_optional(reader, "draft_tokens", &step->draft_tokens, error);
}

static bool read_steps(struct measured_run *run, struct error *error)
{
    static const char *const columns[] = {
        "schedule_s",      "prefill_tokens",        "prefill_requests", "prefill_context_tokens",
        "decode_requests", "decode_context_tokens", "running_requests", "waiting_requests",
        "kv_utilization",  "preempted_requests",    "draft_tokens",     NULL};
    struct csv_reader reader;
    char path[1100];
    snprintf(path, sizeof path, "%s/steps.csv", run->path);
    if (access(path, F_OK) != 0) {
        return true; /* requests alone: nobody logged the engine's steps */
    }
    if (!open_table(run, "steps.csv", columns, 10, &reader, error)) {
        return false;
    }
    size_t capacity = 0;
    bool more = false;
    bool ok = csv_next(&reader, &more, error);
    while (ok && more) {
        run->steps = memory_grow(run->steps, &capacity, run->step_count + 1, sizeof run->steps[0]);
        struct measured_step *step = &run->steps[run->step_count++];
        ok = read_step(&reader, step, error);
        if (ok && run->step_count > 1 && step->schedule_s < step[-1].schedule_s) {
            ok = error_set(error, "%s:%llu: 'schedule_s' goes backwards", reader.path,
                           (unsigned long long)reader.line);
        }
        ok = ok && csv_next(&reader, &more, error);
    }
    csv_close(&reader);
    return ok;
}

/* Steps are in order of time and jobs do not overlap. */
static void assign_steps(struct measured_run *run)
{
    uint32_t step = 0;
    for (uint32_t i = 0; i < run->job_count; i++) {
        struct measured_job *job = &run->jobs[i];
        while (step < run->step_count && run->steps[step].schedule_s < job->start_s) {
            step++;
        }
        job->first_step = step;
        while (step < run->step_count && run->steps[step].schedule_s <= job->end_s) {
            step++;
        }
        job->step_count = step - job->first_step;
    }
}

bool measured_run_read(struct measured_run *run, const char *path, struct error *error)
{
    memset(run, 0, sizeof *run);
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (length >= sizeof run->path) {
        return error_set(error, "'%s': path is too long", path);
    }
    memcpy(run->path, path, length);
    const char *slash = strrchr(run->path, '/');
    snprintf(run->name, sizeof run->name, "%.63s", slash != NULL ? slash + 1 : run->path);
    bool ok = read_engine(run, error) && read_jobs(run, error) && read_requests(run, error) &&
              read_steps(run, error);
    if (!ok) {
        measured_run_clear(run);
        return false;
    }
    assign_steps(run);
    return true;
}

void measured_run_clear(struct measured_run *run)
{
    free(run->jobs);
    free(run->requests);
    free(run->steps);
    memset(run, 0, sizeof *run);
}

void measured_run_identify(const struct measured_run *run, struct step_cost_identity *identity)
{
    const struct measured_engine *engine = &run->engine;
    snprintf(identity->name, sizeof identity->name, "%s", run->name);
    snprintf(identity->model, sizeof identity->model, "%s", engine->model);
    snprintf(identity->gpu, sizeof identity->gpu, "%s", engine->gpu);
    snprintf(identity->weights, sizeof identity->weights, "%s", engine->weights);
    snprintf(identity->kv_cache, sizeof identity->kv_cache, "%s", engine->kv_cache);
    identity->tensor_parallel = engine->tensor_parallel;
    identity->max_batch_requests = engine->max_batch_requests;
    identity->max_batch_tokens = engine->max_batch_tokens;
}

void measured_run_note_sizes(const struct measured_run *run, uint32_t step_count,
                             struct launched_sizes *sizes)
{
    for (uint32_t i = 0; i < step_count; i++) {
        launched_sizes_add(sizes, measured_step_tokens(&run->steps[i]));
    }
}

struct cost_request measured_engine_cost_request(const struct measured_engine *engine,
                                                 const char *source)
{
    return (struct cost_request){.source = source != NULL ? source : "",
                                 .model = engine->model,
                                 .gpu = engine->gpu,
                                 .weights = engine->weights,
                                 .kv_cache = engine->kv_cache,
                                 .max_batch_requests = engine->max_batch_requests,
                                 .max_batch_tokens = engine->max_batch_tokens,
                                 .one_step_in_flight = engine->speculation.draft_tokens > 0,
                                 .has_drafts = engine->speculation.draft_tokens > 0,
                                 .engine = "vllm-0.24",
                                 .tensor_parallel = engine->tensor_parallel};
}
