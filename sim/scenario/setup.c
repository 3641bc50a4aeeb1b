#include "sim/scenario/setup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/cluster/run_tally.h"
#include "sim/engines/engine_presets.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/pricing/price_confidence.h"

enum { DEFAULT_MODEL_LEN = 32768, STREAM_OF_PREFIXES = 1, STREAM_OF_CONVERSATIONS = 2 };

static bool choose_cost(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct cost_request request = {.source = scenario->cost,
                                   .engine = scenario->engine,
                                   .model = scenario->model,
                                   .gpu = scenario->gpu,
                                   .weights = scenario->weights,
                                   .kv_cache = scenario->kv_cache,
                                   .tensor_parallel = scenario->tensor_parallel};
    if (!cost_choice_make(&request, &setup->cost, setup->warning, error)) {
        return false;
    }
    bool carried_over = setup->cost.uncertainty > 0;
    setup->cost.uncertainty = price_confidence_uncertainty(&setup->cost);
    price_confidence_describe(&setup->cost, carried_over, setup->cost.uncertainty,
                              setup->price_confidence, sizeof setup->price_confidence);
    return true;
}

static bool has_draft_model(const struct scenario *scenario)
{
    return scenario->draft_tokens > 0 && scenario->draft_model[0] != '\0';
}

/* The model that drafts; its prices come from what is nearest to it. */
static bool find_draft(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    char warning[COST_WARNING_BYTES];
    struct cost_request request = {.source = "",
                                   .model = scenario->draft_model,
                                   .gpu = scenario->gpu,
                                   .weights = "bf16",
                                   .kv_cache = scenario->kv_cache,
                                   .tensor_parallel = scenario->tensor_parallel};
    if (!has_draft_model(scenario)) {
        return true;
    }
    if (!model_shape_find(scenario->draft_model, &setup->draft, error) ||
        !cost_choice_make(&request, &setup->draft_cost, warning, error)) {
        return error_add_place(error, "engine.draft_model");
    }
    setup->instance.draft_cost = &setup->draft_cost;
    return true;
}

static bool plan_memory(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct memory_settings settings = {.tensor_parallel = scenario->tensor_parallel,
                                       .gpu_memory_utilization = scenario->gpu_memory_utilization,
                                       .block_tokens = scenario->block_tokens,
                                       .max_batch_tokens = scenario->max_batch_tokens,
                                       .max_batch_requests = scenario->max_batch_requests};
    if (has_draft_model(scenario)) {
        settings.draft = &setup->draft;
    }
    const struct engine_preset *preset = NULL;
    if (!engine_preset_find(scenario->engine, &preset, error)) {
        return false;
    }
    if (preset->defaults.profiled_requests > 0) {
        settings.max_batch_requests =
            smaller(settings.max_batch_requests, preset->defaults.profiled_requests);
    }
    return weight_precision_find(scenario->weights, &settings.weights, error) &&
           kv_precision_find(scenario->kv_cache, &settings.kv, error) &&
           memory_model_plan(&setup->model, &setup->gpu, &settings, &setup->memory, error);
}

/* A real engine does not start with a pool that cannot hold one request of max_model_len tokens. */
static void fit_model_len(struct setup *setup, const struct scenario *scenario)
{
    struct engine_settings *engine = &setup->instance.engine;
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

/* SGLang's captured batches by the card's memory (server_args.py, cuda_graph_runner.py). */
static uint32_t largest_graph(const struct gpu *gpu)
{
    return gpu->memory_mib < 25000 ? 8 : gpu->memory_mib <= 81920 ? 160 : 256;
}

/* Blocks on the CPU for preempted requests, and the way there over the host link. */
static void set_swap(struct setup *setup, const struct scenario *scenario)
{
    struct engine_settings *engine = &setup->instance.engine;
    double block_bytes = setup->memory.block_bytes;
    engine->swap_blocks = (uint32_t)(scenario->swap_gib * 1073741824.0 / block_bytes);
    if (setup->gpu.pcie_gb_per_s > 0) {
        double ps_per_byte = 1000 / (GPU_COPY_EFFICIENCY * setup->gpu.pcie_gb_per_s);
        engine->swap_block_ps = (int64_t)(block_bytes * ps_per_byte);
    }
}

/* One instance or several alike, or some for prompts and some for what follows. */
static void set_instances(struct setup *setup, const struct scenario *scenario)
{
    struct simulation_settings *settings = &setup->simulation;
    double token_bytes = setup->memory.block_bytes / scenario->block_tokens;
    double sheet =
        setup->gpu.link_gb_per_s > 0 ? setup->gpu.link_gb_per_s : setup->gpu.pcie_gb_per_s;
    double link =
        scenario->kv_link_gb_per_s > 0 ? scenario->kv_link_gb_per_s : GPU_COPY_EFFICIENCY * sheet;
    bool splits = scenario->prefill_instances > 0;
    setup->groups[0] =
        splits ? (struct instance_group){&setup->instance, scenario->prefill_instances,
                                         INSTANCE_PREFILL}
               : (struct instance_group){&setup->instance, scenario->instances, INSTANCE_BOTH};
    setup->groups[1] =
        (struct instance_group){&setup->instance, scenario->decode_instances, INSTANCE_DECODE};
    settings->groups = setup->groups;
    settings->group_count = splits ? 2 : 1;
    settings->kv_link.latency_ps = (int64_t)(scenario->kv_latency_ms * (double)PS_PER_MS);
    settings->kv_link.token_ps = link > 0 ? (int64_t)(token_bytes * 1000 / link) : 0;
}

static void set_client(struct client_settings *client, const struct scenario *scenario)
{
    static const struct {
        const char *name;
        enum client_kind kind;
    } kinds[] = {{"open", CLIENT_OPEN}, {"closed", CLIENT_CLOSED}, {"batch", CLIENT_BATCH}};
    client->width = scenario->client_width;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text_equal(scenario->client, kinds[i].name)) {
            client->kind = kinds[i].kind;
        }
    }
}

static bool set_engine(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    struct simulation_settings *settings = &setup->simulation;
    struct instance_config *instance = &setup->instance;
    instance->cost = &setup->cost;
    settings->timeline_interval_ps = ps_from_s(scenario->timeline_interval_s);
    settings->noise = scenario->noise;
    settings->seed = scenario->seed;
    settings->slo = (struct slo){scenario->slo_ttft_s, scenario->slo_tpot_s, scenario->slo_e2e_s};
    set_client(&settings->client, scenario);
    const struct weight_precision *weights = NULL;
    if (!engine_preset_find(scenario->engine, &instance->preset, error) ||
        !weight_precision_find(scenario->weights, &weights, error)) {
        return false;
    }
    instance->engine = (struct engine_settings){
        .max_batch_tokens = scenario->max_batch_tokens,
        .max_batch_requests = scenario->max_batch_requests,
        .block_tokens = scenario->block_tokens,
        .num_blocks = scenario->num_blocks > 0 ? scenario->num_blocks : setup->memory.num_blocks,
        .long_prefill_threshold_tokens = scenario->long_prefill_threshold_tokens,
        .watermark_ratio = scenario->watermark_ratio,
        .reserve_full_prompt = scenario->reserve_full_prompt,
        .chunked_prefill = scenario->chunked_prefill,
        .async_scheduling = scenario->async_scheduling,
        .prefix_caching = scenario->prefix_caching,
        .draft_tokens = scenario->draft_tokens,
        .loop_ps = (int64_t)(scenario->loop_ms * (double)PS_PER_MS),
        .intake_ps = (int64_t)(scenario->intake_ms * (double)PS_PER_MS),
        .draft_request_ps = (int64_t)(scenario->draft_request_us * (double)PS_PER_US),
        .draft_token_ps = (int64_t)(scenario->draft_token_ns * (double)PS_PER_NS),
        .max_prefill_tokens = scenario->max_prefill_tokens,
        .max_concurrent_requests = scenario->max_concurrent_requests,
        .new_sizes_wait = weights->waits_for_new_sizes,
        .largest_graph = largest_graph(&setup->gpu),
        .mixed_chunks = scenario->mixed_chunks,
        .ignores_eos = scenario->ignores_eos,
        .streams_tokens = scenario->streams_tokens,
    };
    set_swap(setup, scenario);
    set_instances(setup, scenario);
    instance->preset->settle(&instance->engine);
    if (instance->engine.block_tokens != scenario->block_tokens) {
        return error_set(error, "'engine.block_tokens' must be %u with '%s', got %u",
                         instance->engine.block_tokens, instance->preset->name,
                         scenario->block_tokens);
    }
    if (instance->engine.num_blocks <= instance->preset->reserved_blocks + 1) {
        return error_set(error, "'engine.num_blocks' must be at least %u, got %u",
                         instance->preset->reserved_blocks + 2, instance->engine.num_blocks);
    }
    fit_model_len(setup, scenario);
    return scheduling_policy_find(scenario->policy, &instance->policy, error);
}

bool setup_run(const struct scenario *scenario, on_finished_run *on_finished, void *context,
               struct error *error)
{
    struct setup setup;
    bool ok = setup_init(&setup, scenario, error);
    if (ok) {
        struct simulation *simulation = setup_simulation(&setup);
        simulation_run(simulation);
        ok = setup_check(&setup, simulation, error) &&
             on_finished(context, &(struct finished_run){scenario, &setup, simulation}, error);
        simulation_destroy(simulation);
    }
    setup_clear(&setup);
    return ok;
}

bool setup_run_file(const char *path, const struct option_list *assignments,
                    on_finished_run *on_finished, void *context, struct error *error)
{
    struct scenario scenario;
    return scenario_read(&scenario, path, assignments, NULL, error) &&
           setup_run(&scenario, on_finished, context, error);
}

bool setup_workload(const struct scenario *scenario, const char *model, struct workload *workload,
                    struct error *error)
{
    static const struct {
        const char *name;
        enum arrival_process arrival;
    } arrivals[] = {{"gamma", ARRIVAL_GAMMA},       {"poisson", ARRIVAL_POISSON},
                    {"weibull", ARRIVAL_WEIBULL},   {"windows", ARRIVAL_WINDOWS},
                    {"constant", ARRIVAL_CONSTANT}, {"all-at-once", ARRIVAL_ALL_AT_ONCE}};
    struct generator_settings settings = {
        .seed = scenario->seed,
        .requests = scenario->requests,
        .rate_per_s = scenario->rate_per_s,
        .burstiness = scenario->burstiness,
        .windows = scenario->windows,
        .token_budget = scenario->token_budget,
        .output_factor = scenario->output_factor,
        .prefix_tokens = scenario->prefix_tokens,
        .prefixes = scenario->prefixes,
        .turns = scenario->turns,
        .conversations = scenario->conversations,
        .model = scenario->lengths_model[0] != '\0' ? scenario->lengths_model : model,
        .kv_cache = scenario->kv_cache,
        .weights = weight_precision_answers_as(scenario->weights),
        .datasets = scenario->datasets};
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
        if (text_equal(scenario->arrival, arrivals[i].name)) {
            settings.arrival = arrivals[i].arrival;
        }
    }
    return workload_open(workload, &settings, scenario->lengths, scenario->trace, error);
}

/* What the prompt begins with, and the conversation it goes on; an answer without thinking stays in
 * the conversation as it was generated, thinking is left out of later turns. */
static struct prompt_content content_of(const struct trace_request *request)
{
    struct prompt_content content = {.own_stream = 0};
    if (request->prefix_id > 0) {
        content.parts[0] =
            (struct prompt_part){.stream = random_bits_at(STREAM_OF_PREFIXES, request->prefix_id),
                                 .end = smaller(request->prefix_tokens, request->prompt_tokens)};
    }
    if (request->conversation_id > 0) {
        uint64_t stream = random_bits_at(STREAM_OF_CONVERSATIONS, request->conversation_id);
        content.parts[1] = (struct prompt_part){.stream = stream, .end = request->prompt_tokens};
        content.own_stream = request->reasoning_tokens == 0 ? stream : 0;
    }
    return content;
}

/* A trace may turn out bad in the middle of a run: that is kept for setup_check. */
static bool next_request(void *context, struct request *request)
{
    struct setup *setup = context;
    struct trace_request from;
    bool more = false;
    if (setup->workload_failed ||
        !workload_next(&setup->workload, &from, &more, &setup->workload_error)) {
        setup->workload_failed = true;
        return false;
    }
    *request = (struct request){
        .ask.sent_ps = ps_from_s(from.arrival_s),
        .ask.prompt_tokens = from.prompt_tokens,
        .ask.max_output_tokens = from.max_output_tokens,
        .ask.priority = from.priority,
        .ask.dataset = from.dataset,
        .truth.output_tokens = smaller(from.output_tokens, from.max_output_tokens),
        .truth.reasoning_tokens = from.reasoning_tokens,
        .truth.is_correct = from.correctness == CORRECTNESS_CORRECT,
        .truth.answer_is_known = from.correctness != CORRECTNESS_UNKNOWN,
        .ask.content = content_of(&from),
        .truth.drafts = {.probability = setup->draft_acceptance,
                         .key = random_bits_at(setup->draft_key, setup->workload.count)},
    };
    return more;
}

static void log_request(void *context, const struct request *request)
{
    struct setup *setup = context;
    struct request_record record = request_record_of(request, setup->dataset_names);
    request_log_add(setup->log, &record);
}

struct simulation *setup_simulation(struct setup *setup)
{
    struct request_feed feed = {
        .context = setup, .next = next_request, .done = setup->log != NULL ? log_request : NULL};
    return simulation_create_fed(&setup->simulation, &feed);
}

bool setup_check(const struct setup *setup, const struct simulation *simulation,
                 struct error *error)
{
    if (setup->workload_failed) {
        return error_set(error, "%s", setup->workload_error.message);
    }
    if (simulation_is_out_of_time(simulation)) {
        return error_set(error,
                         "the run takes more than %.0f simulated seconds, the most there can be: "
                         "send fewer requests, or at a rate the engine can serve",
                         MAX_TIME_S);
    }
    return !simulation_is_stalled(simulation) ||
           error_set(
               error,
               "the engine makes no progress from %.3f s on: prompts that do not fit together "
               "preempt each other; raise 'engine.num_blocks' or set "
               "'engine.reserve_full_prompt' and no 'engine.long_prefill_threshold_tokens'",
               s_from_ps(simulation_now_ps(simulation)));
}

bool setup_init(struct setup *setup, const struct scenario *scenario, struct error *error)
{
    memset(setup, 0, sizeof *setup);
    setup->draft_acceptance = scenario->draft_acceptance;
    setup->draft_key = random_key(scenario->seed, "drafts");
    for (uint32_t i = 0; i < TRACE_MAX_DATASETS; i++) {
        setup->dataset_names[i] = setup->workload.datasets.names[i];
    }
    return model_shape_find(scenario->model, &setup->model, error) &&
           gpu_find(scenario->gpu, &setup->gpu, error) && find_draft(setup, scenario, error) &&
           plan_memory(setup, scenario, error) && choose_cost(setup, scenario, error) &&
           set_engine(setup, scenario, error) &&
           setup_workload(scenario, setup->model.name, &setup->workload, error);
}

void setup_clear(struct setup *setup)
{
    workload_close(&setup->workload);
    memset(setup, 0, sizeof *setup);
}
