#include "sim/cli/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/serving/vllm_v1.h"
#include "workloads/generator.h"
#include "workloads/length_model.h"

enum { WARNING_BYTES = 512, DEFAULT_MODEL_LEN = 32768 };

static bool same_shape(const struct model_shape *a, const struct model_shape *b)
{
    return a->hidden_size == b->hidden_size && a->num_hidden_layers == b->num_hidden_layers &&
           a->num_attention_heads == b->num_attention_heads &&
           a->num_key_value_heads == b->num_key_value_heads && a->head_dim == b->head_dim &&
           a->intermediate_size == b->intermediate_size && a->vocab_size == b->vocab_size;
}

static bool find_shape(const char *name, struct model_shape *shape, struct error *error)
{
    struct model_catalog catalog;
    if (!model_catalog_read(&catalog, error)) {
        return false;
    }
    bool ok = model_catalog_find(&catalog, name, shape, error);
    model_catalog_clear(&catalog);
    return ok;
}

static bool find_gpu(const char *name, struct gpu *gpu, struct error *error)
{
    struct gpu_catalog catalog;
    if (!gpu_catalog_read(&catalog, error)) {
        return false;
    }
    bool ok = gpu_catalog_find(&catalog, name, gpu, error);
    gpu_catalog_clear(&catalog);
    return ok;
}

/* What a calibration was made for, against what is asked; a NULL difference means it fits. */
static const char *difference(const struct step_cost_identity *identity,
                              const struct cost_request *request)
{
    struct model_shape asked;
    struct model_shape made;
    struct gpu asked_gpu;
    struct gpu made_gpu;
    struct error ignored;
    if (!find_shape(request->model, &asked, &ignored) ||
        !find_shape(identity->model, &made, &ignored) || !same_shape(&asked, &made)) {
        return "model";
    }
    if (!find_gpu(request->gpu, &asked_gpu, &ignored) ||
        !find_gpu(identity->gpu, &made_gpu, &ignored) ||
        !text_equal(asked_gpu.name, made_gpu.name)) {
        return "GPU";
    }
    if (!text_equal(identity->weights, request->weights)) {
        return "weights";
    }
    if (!text_equal(identity->kv_cache, request->kv_cache)) {
        return "KV cache";
    }
    return identity->tensor_parallel == request->tensor_parallel ? NULL : "tensor parallel degree";
}

static bool find_shipped(const struct cost_request *request, struct step_cost *ret_cost,
                         bool *ret_found, struct error *error)
{
    *ret_found = false;
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        if (!text_starts_with(file->path, "calibration/")) {
            continue;
        }
        struct step_cost cost;
        if (!step_cost_read(&cost, file->path, error)) {
            return false;
        }
        if (difference(&cost.identity, request) == NULL) {
            *ret_cost = cost;
            *ret_found = true;
            return true;
        }
    }
    return true;
}

bool setup_find_cost(const struct cost_request *request, struct step_cost *ret_cost,
                     bool *ret_found, char *warning, struct error *error)
{
    const char *file = strchr(request->source, ':');
    size_t source_length = strcspn(request->source, ":");
    warning[0] = '\0';
    if (source_length > 0 && strncmp(request->source, "calibrated", source_length) != 0) {
        return error_set(error, "--cost: unknown source '%.*s', expected calibrated[:FILE]",
                         (int)source_length, request->source);
    }
    if (file == NULL) {
        return find_shipped(request, ret_cost, ret_found, error);
    }
    char path[1024];
    snprintf(path, sizeof path, "%.900s", file + 1);
    if (access(path, R_OK) != 0) {
        char shipped[1024];
        snprintf(shipped, sizeof shipped, "calibration/%.900s.json", file + 1);
        if (embedded_find(shipped) != NULL) {
            snprintf(path, sizeof path, "%s", shipped);
        }
    }
    if (!step_cost_read(ret_cost, path, error)) {
        return false;
    }
    *ret_found = true;
    const struct step_cost_identity *identity = &ret_cost->identity;
    const char *what = difference(identity, request);
    if (what != NULL) {
        snprintf(warning, WARNING_BYTES,
                 "calibration '%s' is for another %s: made for %s, %s weights, %s KV on %u x %s, "
                 "used for %s, %s weights, %s KV on %u x %s",
                 identity->name, what, identity->model, identity->weights, identity->kv_cache,
                 identity->tensor_parallel, identity->gpu, request->model, request->weights,
                 request->kv_cache, request->tensor_parallel, request->gpu);
    }
    return true;
}

static void list_calibrations(char *text, size_t size)
{
    text[0] = '\0';
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        if (text_starts_with(file->path, "calibration/")) {
            const char *name = file->path + strlen("calibration/");
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s%.*s", used > 0 ? ", " : "",
                     (int)(strlen(name) - strlen(".json")), name);
        }
    }
}

static bool choose_cost(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct cost_request request = {.source = scenario->cost,
                                   .model = scenario->model,
                                   .gpu = scenario->gpu,
                                   .weights = scenario->weights,
                                   .kv_cache = scenario->kv_cache,
                                   .tensor_parallel = scenario->tensor_parallel};
    bool found = false;
    if (!setup_find_cost(&request, &setup->cost, &found, setup->warning, error)) {
        return false;
    }
    if (!found) {
        char names[256];
        list_calibrations(names, sizeof names);
        return error_set(error,
                         "no calibration for %s, %s weights, %s KV on %u x %s; choose the nearest "
                         "with --cost calibrated:NAME, one of %s",
                         setup->model.name, scenario->weights, scenario->kv_cache,
                         scenario->tensor_parallel, setup->gpu.name, names);
    }
    return true;
}

static bool plan_memory(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct memory_settings settings = {.tensor_parallel = scenario->tensor_parallel,
                                       .gpu_memory_utilization = scenario->gpu_memory_utilization,
                                       .block_tokens = scenario->block_tokens,
                                       .max_batch_tokens = scenario->max_batch_tokens,
                                       .max_batch_requests = scenario->max_batch_requests};
    return weight_precision_find(scenario->weights, &settings.weights, error) &&
           kv_precision_find(scenario->kv_cache, &settings.kv, error) &&
           memory_model_plan(&setup->model, &setup->gpu, &settings, &setup->memory, error);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A real engine does not start with a pool that cannot hold one request of max_model_len tokens. */
static void fit_model_len(struct setup *setup, const struct scenario *scenario)
{
    struct engine_settings *engine = &setup->simulation.engine;
    uint32_t asked = scenario->max_model_len > 0
                         ? scenario->max_model_len
                         : smaller(setup->model.max_position_embeddings, DEFAULT_MODEL_LEN);
    uint64_t pool = (uint64_t)(engine->num_blocks - 1) * engine->block_tokens;
    engine->max_model_len = asked;
    if (asked > pool) {
        engine->max_model_len = (uint32_t)pool;
        snprintf(setup->warning, sizeof setup->warning,
                 "the KV pool holds %llu tokens: 'engine.max_model_len' is cut from %u to that",
                 (unsigned long long)pool, asked);
    }
}

static bool set_engine(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    static const struct {
        const char *name;
        enum client_kind kind;
    } kinds[] = {{"open", CLIENT_OPEN}, {"closed", CLIENT_CLOSED}, {"batch", CLIENT_BATCH}};
    struct simulation_settings *settings = &setup->simulation;
    settings->preset = &engine_preset_vllm_0_24;
    settings->cost = &setup->cost;
    settings->timeline_interval_ps = ps_from_s(scenario->timeline_interval_s);
    settings->client.width = scenario->client_width;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text_equal(scenario->client, kinds[i].name)) {
            settings->client.kind = kinds[i].kind;
        }
    }
    settings->engine = (struct engine_settings){
        .max_batch_tokens = scenario->max_batch_tokens,
        .max_batch_requests = scenario->max_batch_requests,
        .block_tokens = scenario->block_tokens,
        .num_blocks = scenario->num_blocks > 0 ? scenario->num_blocks : setup->memory.num_blocks,
        .long_prefill_threshold_tokens = scenario->long_prefill_threshold_tokens,
        .watermark_ratio = scenario->watermark_ratio,
        .reserve_full_prompt = scenario->reserve_full_prompt,
        .chunked_prefill = scenario->chunked_prefill,
        .async_scheduling = scenario->async_scheduling,
    };
    if (settings->engine.num_blocks <= settings->preset->reserved_blocks + 1) {
        return error_set(error, "'engine.num_blocks' must be at least %u, got %u",
                         settings->preset->reserved_blocks + 2, settings->engine.num_blocks);
    }
    fit_model_len(setup, scenario);
    return scheduling_policy_find(scenario->policy, &settings->policy, error);
}

static bool read_trace(const char *path, struct trace_names *names,
                       struct trace_request **ret_requests, uint32_t *ret_count,
                       struct error *error)
{
    struct trace_reader reader;
    if (!trace_reader_open(&reader, path, error)) {
        return false;
    }
    struct trace_request *requests = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    bool more = true;
    bool ok = true;
    while (ok && more) {
        requests = memory_grow(requests, &capacity, (size_t)count + 1, sizeof requests[0]);
        ok = trace_reader_next(&reader, names, &requests[count], &more, error);
        count += ok && more;
    }
    trace_reader_close(&reader);
    if (ok && count == 0) {
        ok = error_set(error, "%s: the trace holds no requests", path);
    }
    if (!ok) {
        free(requests);
        return false;
    }
    *ret_requests = requests;
    *ret_count = count;
    return true;
}

bool setup_requests(const struct scenario *scenario, const char *model, struct trace_names *names,
                    struct trace_request **ret_requests, uint32_t *ret_count, struct error *error)
{
    static const struct {
        const char *name;
        enum arrival_process arrival;
    } arrivals[] = {{"gamma", ARRIVAL_GAMMA},
                    {"poisson", ARRIVAL_POISSON},
                    {"constant", ARRIVAL_CONSTANT},
                    {"all-at-once", ARRIVAL_ALL_AT_ONCE}};
    if (scenario->trace[0] != '\0') {
        return read_trace(scenario->trace, names, ret_requests, ret_count, error);
    }
    struct generator_settings settings = {.seed = scenario->seed,
                                          .requests = scenario->requests,
                                          .rate_per_s = scenario->rate_per_s,
                                          .burstiness = scenario->burstiness,
                                          .token_budget = scenario->token_budget,
                                          .model = model,
                                          .datasets = scenario->datasets};
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
        if (text_equal(scenario->arrival, arrivals[i].name)) {
            settings.arrival = arrivals[i].arrival;
        }
    }
    struct length_catalog catalog;
    if (!length_catalog_read(&catalog, scenario->lengths, error)) {
        return false;
    }
    bool ok = generator_run(&settings, &catalog, names, ret_requests, error);
    *ret_count = ok ? scenario->requests : 0;
    length_catalog_clear(&catalog);
    return ok;
}

static void take_requests(struct setup *setup, const struct trace_request *requests, uint32_t count)
{
    setup->requests = memory_zeroed(count, sizeof setup->requests[0]);
    setup->request_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct trace_request *from = &requests[i];
        setup->requests[i] = (struct request){
            .sent_ps = ps_from_s(from->arrival_s),
            .prompt_tokens = from->prompt_tokens,
            .max_output_tokens = from->max_output_tokens,
            .priority = from->priority,
            .dataset = from->dataset,
            .output_tokens = smaller(from->output_tokens, from->max_output_tokens),
            .reasoning_tokens = from->reasoning_tokens,
        };
    }
    for (uint32_t i = 0; i < setup->datasets.count; i++) {
        setup->dataset_names[i] = setup->datasets.names[i];
    }
}

bool setup_init(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    memset(setup, 0, sizeof *setup);
    struct trace_request *requests = NULL;
    uint32_t count = 0;
    bool ok = find_shape(scenario->model, &setup->model, error) &&
              find_gpu(scenario->gpu, &setup->gpu, error) && plan_memory(setup, scenario, error) &&
              choose_cost(setup, scenario, error) && set_engine(setup, scenario, error) &&
              setup_requests(scenario,
                             scenario->lengths_model[0] != '\0' ? scenario->lengths_model
                                                                : setup->model.name,
                             &setup->datasets, &requests, &count, error);
    if (ok) {
        take_requests(setup, requests, count);
    }
    free(requests);
    return ok;
}

void setup_clear(struct setup *setup)
{
    free(setup->requests);
    memset(setup, 0, sizeof *setup);
}
