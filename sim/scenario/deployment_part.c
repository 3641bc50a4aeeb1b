/* What one kind of instance comes to: names looked up, memory planned, steps priced. */
#include "sim/scenario/deployment.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/smaller.h"
#include "sim/hardware/checkpoint.h"
#include "sim/hardware/model_catalog.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/price_confidence.h"
#include "sim/scenario/startup_rules.h"

static bool find_names(struct deployment *deployment, const struct scenario *scenario,
                       struct error *error)
{
    deployment->instance = (struct instance_config){.preset = scenario->engine.preset,
                                                    .engine = scenario->engine.settings,
                                                    .policy = scenario->policy.chosen,
                                                    .policy_values = deployment->policy_values,
                                                    .victims = scenario->engine.victims,
                                                    .cost = &deployment->cost};
    memcpy(deployment->policy_values, scenario->policy.values, sizeof deployment->policy_values);
    deployment->tensor_parallel = scenario->hardware.tensor_parallel;
    return model_shape_find(scenario->model.name, &deployment->model, error) &&
           gpu_find(scenario->hardware.gpu, &deployment->gpu, error) &&
           checkpoint_choose(&deployment->model, scenario->model.weights, &deployment->weights,
                             error) &&
           kv_precision_find(scenario->model.kv_cache, &deployment->kv, error) &&
           length_predictor_parse(scenario->engine.predictor, &deployment->instance.predictor,
                                  error);
}

/* The longest request that is asked for, or that the engine would take of the model by itself. */
static uint32_t asked_model_len(const struct deployment *deployment)
{
    uint32_t asked = deployment->instance.engine.max_model_len;
    uint32_t longest = deployment->model.max_position_embeddings;
    uint32_t unless_told = deployment->instance.preset->start.longest_request_tokens;
    return asked > 0 ? asked : unless_told > 0 ? smaller(longest, unless_told) : longest;
}

/* What nobody said is as the engine sets it on these GPUs. */
static void set_limits(struct deployment *deployment)
{
    const struct engine_preset *preset = deployment->instance.preset;
    struct engine_settings *engine = &deployment->instance.engine;
    struct engine_limits limits = {.batch_tokens = preset->defaults.max_batch_tokens,
                                   .batch_requests = preset->defaults.max_batch_requests,
                                   .rule = "the engine on any GPU"};
    if (preset->start.limits_on != NULL) {
        limits = preset->start.limits_on(engine, &deployment->gpu);
    }
    assert(limits.batch_tokens > 0 && limits.batch_requests > 0);
    deployment->limits = limits;
    if (engine->max_batch_tokens == 0) {
        uint32_t least = preset->defaults.chunked_prefill && !engine->chunked_prefill
                             ? asked_model_len(deployment)
                             : 0;
        engine->max_batch_tokens = limits.batch_tokens > least ? limits.batch_tokens : least;
    }
    if (engine->max_batch_requests == 0) {
        engine->max_batch_requests = limits.batch_requests;
    }
}

/* A price that is set takes the place of the data sheet's. */
static void set_price(struct deployment *deployment, const struct scenario_price *price)
{
    struct gpu *gpu = &deployment->gpu;
    if (price->usd_per_gpu_hour > 0) {
        gpu->price_low_usd_per_hour = price->usd_per_gpu_hour;
        gpu->price_high_usd_per_hour = price->usd_per_gpu_hour;
        snprintf(gpu->price_source, sizeof gpu->price_source, "price.usd_per_gpu_hour");
    }
}

static bool check_startup(struct deployment *deployment, struct error *error)
{
    const struct startup_facts facts = {.preset = deployment->instance.preset,
                                        .engine = &deployment->instance.engine,
                                        .model = &deployment->model,
                                        .gpu = &deployment->gpu,
                                        .weights = deployment->weights,
                                        .kv = deployment->kv,
                                        .tensor_parallel = deployment->tensor_parallel};
    return startup_rules_check(&facts, &deployment->warnings, error);
}

static bool choose_cost(struct deployment *deployment, const struct scenario *scenario,
                        struct error *error)
{
    char warning[COST_WARNING_BYTES] = "";
    const struct engine_settings *engine = &deployment->instance.engine;
    const struct cost_request request = {.source = scenario->cost,
                                         .engine = scenario->engine.name,
                                         .model = scenario->model.name,
                                         .gpu = scenario->hardware.gpu,
                                         .weights = deployment->weights->name,
                                         .kv_cache = deployment->kv->name,
                                         .max_batch_requests = engine->max_batch_requests,
                                         .max_batch_tokens = engine->max_batch_tokens,
                                         .one_step_in_flight =
                                             !engine->async_scheduling || engine->draft_tokens > 0,
                                         .has_drafts = engine->draft_tokens > 0,
                                         .tensor_parallel = deployment->tensor_parallel};
    if (!cost_choice_make(&request, &deployment->cost, warning, error)) {
        return false;
    }
    struct step_cost *cost = &deployment->cost;
    bool carried_over = cost->uncertainty > 0;
    cost->uncertainty = price_confidence_uncertainty(cost);
    price_confidence_describe(cost, carried_over, cost->uncertainty, deployment->price_confidence,
                              sizeof deployment->price_confidence);
    warning_list_add(&deployment->warnings, "%s", warning);
    return true;
}

/* The model that drafts; its prices come from what is nearest to it. */
static bool find_draft(struct deployment *deployment, const struct scenario *scenario,
                       struct error *error)
{
    char warning[COST_WARNING_BYTES] = "";
    struct deployment_draft *draft = &deployment->draft;
    const char *name = scenario->engine.draft_model;
    draft->is_used = scenario->engine.settings.draft_tokens > 0 && name[0] != '\0';
    if (!draft->is_used) {
        return true;
    }
    const struct cost_request request = {.source = "",
                                         .model = name,
                                         .gpu = scenario->hardware.gpu,
                                         .weights = "bf16",
                                         .kv_cache = deployment->kv->name,
                                         .tensor_parallel = deployment->tensor_parallel};
    deployment->instance.draft_cost = &draft->cost;
    if (!model_shape_find(name, &draft->model, error) ||
        !cost_choice_make(&request, &draft->cost, warning, error)) {
        return error_add_place(error, "engine.draft_model");
    }
    if (warning[0] != '\0') {
        warning_list_add(&deployment->warnings, "engine.draft_model: %s", warning);
    }
    return true;
}

static bool plan_memory(struct deployment *deployment, const struct scenario *scenario,
                        struct error *error)
{
    const struct engine_settings *engine = &deployment->instance.engine;
    uint32_t profiled = deployment->instance.preset->start.profiled_requests;
    const struct memory_rule *rule = NULL;
    if (!memory_rule_of_version(scenario->engine.name, scenario->engine.version, &rule, error)) {
        return false;
    }
    double asked = scenario->hardware.gpu_memory_utilization;
    deployment->memory_share =
        asked > 0 ? asked : memory_rule_share(rule, &deployment->gpu, deployment->tensor_parallel);
    const struct memory_settings settings = {
        .weights = deployment->weights,
        .kv = deployment->kv,
        .tensor_parallel = deployment->tensor_parallel,
        .gpu_memory_utilization = deployment->memory_share,
        .block_tokens = engine->block_tokens,
        .max_batch_tokens = engine->max_batch_tokens,
        .max_batch_requests = profiled > 0 ? smaller(engine->max_batch_requests, profiled)
                                           : engine->max_batch_requests,
        .draft = deployment->draft.is_used ? &deployment->draft.model : NULL,
        .draft_tokens = engine->draft_tokens,
        .rule = rule,
    };
    return memory_model_plan(&deployment->model, &deployment->gpu, &settings, &deployment->memory,
                             error);
}

/* SGLang's captured batches by the GPU's memory (server_args.py, cuda_graph_runner.py). */
static uint32_t largest_graph(const struct gpu *gpu)
{
    return gpu->memory_mib < 25000 ? 8 : gpu->memory_mib <= 81920 ? 160 : 256;
}

/* Blocks on the CPU for preempted requests, and the way there over the host link. */
static void set_swap(struct deployment *deployment)
{
    struct swap_settings *swap = &deployment->instance.engine.swap;
    double block_bytes = deployment->memory.block_bytes;
    swap->blocks = (uint32_t)(swap->gib * 1073741824.0 / block_bytes);
    if (deployment->gpu.pcie_gb_per_s > 0) {
        double ps_per_byte = 1000 / (GPU_COPY_EFFICIENCY * deployment->gpu.pcie_gb_per_s);
        swap->block_ps = (int64_t)(block_bytes * ps_per_byte);
    }
}

/* A real engine does not start with a pool that cannot hold one request of max_model_len tokens.
 * An explicit limit is refused then; one that is derived is what the pool holds. */
static bool fit_model_len(struct deployment *deployment, struct error *error)
{
    struct engine_settings *engine = &deployment->instance.engine;
    uint32_t longest = deployment->model.max_position_embeddings;
    bool is_derived = engine->max_model_len == 0;
    uint32_t asked = asked_model_len(deployment);
    uint64_t pool = (uint64_t)(engine->num_blocks - 1) * engine->block_tokens;
    if (!is_derived && asked > longest) {
        return error_set(error,
                         "'engine.max_model_len' must be at most the %u positions of '%s', got %u",
                         longest, deployment->model.name, asked);
    }
    if (!is_derived && asked > pool) {
        return error_set(error,
                         "'engine.max_model_len' is %u, but the KV pool holds only %llu tokens: "
                         "lower it or leave it out, or use more or larger GPUs",
                         asked, (unsigned long long)pool);
    }
    engine->max_model_len = asked > pool ? (uint32_t)pool : asked;
    if (asked > pool) {
        warning_list_add(&deployment->warnings,
                         "the KV pool holds %llu tokens: 'engine.max_model_len' is cut from %u to "
                         "that, without which the engine does not start",
                         (unsigned long long)pool, asked);
    }
    return true;
}

static bool set_engine(struct deployment *deployment, struct error *error)
{
    struct engine_settings *engine = &deployment->instance.engine;
    uint32_t reserved = deployment->instance.preset->reserved_blocks;
    if (engine->num_blocks == 0) {
        engine->num_blocks = deployment->memory.num_blocks;
    }
    if (engine->num_blocks <= reserved + 1) {
        return error_set(error, "'engine.num_blocks' must be at least %u, got %u", reserved + 2,
                         engine->num_blocks);
    }
    if (engine->largest_graph == 0) {
        engine->largest_graph = largest_graph(&deployment->gpu);
    }
    /* Drafts are made from tokens that must be at hand. */
    engine->async_scheduling = engine->async_scheduling && engine->draft_tokens == 0;
    engine->new_sizes_wait = deployment->weights->waits_for_new_sizes;
    set_swap(deployment);
    return fit_model_len(deployment, error);
}

/* Engines refuse every request that asks for more than fits. Where nobody said what fits, answers
 * end there, and that is said. */
static bool check_budget(struct deployment *deployment, const struct scenario *scenario,
                         struct error *error)
{
    uint32_t budget = scenario->workload.token_budget;
    uint32_t longest = deployment->instance.engine.max_model_len;
    if (budget < longest || !scenario_is_given(scenario, "workload.token_budget")) {
        return true;
    }
    if (scenario->engine.settings.max_model_len > 0) {
        return error_set(error,
                         "'workload.token_budget' must be less than 'engine.max_model_len', got %u "
                         "and %u",
                         budget, longest);
    }
    warning_list_add(&deployment->warnings,
                     "'workload.token_budget' is %u, but 'engine.max_model_len' is %u unless set: "
                     "answers end there",
                     budget, longest);
    return true;
}

/* What is approximated of the model at the contexts that the engine takes, and of the GPU. */
static void warn_of_approximations(struct deployment *deployment)
{
    char remark[WARNING_BYTES];
    const struct gpu *gpu = &deployment->gpu;
    if (gpu->visible_mib <= 0) {
        warning_list_add(&deployment->warnings,
                         "what programs see of the memory of '%s' is not known ('visible_mib'): "
                         "%.0f of its %.0f MiB are taken",
                         gpu->name, gpu_visible_mib(gpu), gpu->memory_mib);
    }
    if (model_shape_window_remark(&deployment->model, deployment->instance.engine.max_model_len,
                                  remark, sizeof remark)) {
        warning_list_add(&deployment->warnings, "%s", remark);
    }
}

bool deployment_resolve_part(struct deployment *deployment, const struct scenario *scenario,
                             struct error *error)
{
    assert(scenario->engine.preset != NULL);
    if (!find_names(deployment, scenario, error)) {
        return false;
    }
    set_limits(deployment);
    if (!check_startup(deployment, error) || !find_draft(deployment, scenario, error) ||
        !plan_memory(deployment, scenario, error) || !choose_cost(deployment, scenario, error) ||
        !set_engine(deployment, error) || !check_budget(deployment, scenario, error)) {
        return false;
    }
    warn_of_approximations(deployment);
    set_price(deployment, &scenario->price);
    assert(deployment->instance.engine.max_model_len > 0);
    return true;
}
