#include "sim/cli/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/serving/vllm_v1.h"
#include "workloads/generator.h"
#include "workloads/length_model.h"

enum { DEFAULT_MODEL_LEN = 32768 };

static bool choose_cost(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct cost_request request = {.source = scenario->cost,
                                   .model = scenario->model,
                                   .gpu = scenario->gpu,
                                   .weights = scenario->weights,
                                   .kv_cache = scenario->kv_cache,
                                   .tensor_parallel = scenario->tensor_parallel};
    return cost_choice_make(&request, &setup->cost, setup->warning, error);
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
    settings->noise = scenario->noise;
    settings->seed = scenario->seed;
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
    bool ok = model_shape_find(scenario->model, &setup->model, error) &&
              gpu_find(scenario->gpu, &setup->gpu, error) && plan_memory(setup, scenario, error) &&
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
