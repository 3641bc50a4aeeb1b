#include "sim/scenario/scenario.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

#define TEXT(key, member) .name = key, .type = SETTING_TEXT, SETTING_OF(scenario, member)
#define BOOL(key, member) .name = key, .type = SETTING_BOOL, SETTING_OF(scenario, member)
#define WHOLE(key, member, least, most)                                                            \
    .name = key, .type = SETTING_WHOLE, SETTING_OF(scenario, member), .minimum = least,            \
    .maximum = most
#define NUMBER(key, member, least, most)                                                           \
    .name = key, .type = SETTING_NUMBER, SETTING_OF(scenario, member), .minimum = least,           \
    .maximum = most

static const char *const arrivals[] = {"gamma",    "poisson",     "weibull", "windows",
                                       "constant", "all-at-once", NULL};
static const char *const clients[] = {"open", "closed", "batch", NULL};

const struct setting scenario_settings[] = {
    {TEXT("name", name), .help = "what to call the run"},
    {.name = "seed",
     .type = SETTING_SEED,
     SETTING_OF(scenario, seed),
     .maximum = MAX_SEED,
     .help = "of all randomness"},

    {TEXT("model.name", model), .help = "see 'kvcast list models', or a config.json"},
    {TEXT("model.weights", weights), .help = "precision of the weights"},
    {TEXT("model.kv_cache", kv_cache), .help = "precision of the KV cache"},

    {TEXT("hardware.gpu", gpu), .help = "see 'kvcast list gpus'"},
    {WHOLE("hardware.tensor_parallel", tensor_parallel, 1, 64), .unit = "GPUs",
     .help = "GPUs that share the model"},
    {NUMBER("hardware.gpu_memory_utilization", gpu_memory_utilization, 0.01, 1),
     .help = "share of GPU memory the engine may use"},

    {TEXT("engine.preset", engine), .help = "whose scheduler; see 'kvcast list engines'"},
    {TEXT("engine.policy", policy), .help = "scheduling policy"},
    {WHOLE("engine.max_batch_tokens", max_batch_tokens, 1, 1e6), .unit = "tokens",
     .help = "budget of a step (max_num_batched_tokens)"},
    {WHOLE("engine.max_batch_requests", max_batch_requests, 1, 65536), .unit = "requests",
     .help = "running together (max_num_seqs)"},
    {WHOLE("engine.max_model_len", max_model_len, 0, 1e8), .unit = "tokens",
     .help = "prompt + output of a request; 0: the model's, at most 32768"},
    {WHOLE("engine.block_tokens", block_tokens, 1, 4096), .unit = "tokens",
     .help = "in a KV block"},
    {WHOLE("engine.num_blocks", num_blocks, 0, 1e9), .unit = "blocks",
     .help = "of the KV pool; 0: from the memory model"},
    {WHOLE("engine.long_prefill_threshold_tokens", long_prefill_threshold_tokens, 0, 1e6),
     .unit = "tokens", .help = "longest chunk of a prompt; 0: the budget"},
    {NUMBER("engine.watermark_ratio", watermark_ratio, 0, 0.99),
     .help = "share of blocks kept free at admission"},
    {BOOL("engine.reserve_full_prompt", reserve_full_prompt),
     .help = "admit only prompts that fit whole"},
    {BOOL("engine.chunked_prefill", chunked_prefill), .help = "spread prompts over steps"},
    {BOOL("engine.async_scheduling", async_scheduling),
     .help = "form a step while the one before runs"},
    {BOOL("engine.prefix_caching", prefix_caching), .help = "share what prompts begin with"},
    {WHOLE("engine.draft_tokens", draft_tokens, 0, 64), .unit = "tokens",
     .help = "speculation: drafted for each decode; 0: none"},
    {TEXT("engine.draft_model", draft_model),
     .help = "that drafts, in bf16 on the same GPUs; empty: n-grams (no model)"},
    {NUMBER("engine.swap_gib", swap_gib, 0, 4096), .unit = "GiB",
     .help = "of CPU memory a GPU for preempted requests; 0: recompute (vllm-v0)"},
    {WHOLE("engine.instances", instances, 1, 1024),
     .help = "alike; requests go where the fewest are"},
    {WHOLE("engine.prefill_instances", prefill_instances, 0, 512),
     .help = "disaggregation: instances that compute prompts; 0: none"},
    {WHOLE("engine.decode_instances", decode_instances, 0, 512),
     .help = "and those that compute what follows"},
    {NUMBER("engine.kv_link_gb_per_s", kv_link_gb_per_s, 0, 10000), .unit = "GB/s",
     .help = "between them; 0: the GPU's link, else PCIe"},
    {NUMBER("engine.kv_latency_ms", kv_latency_ms, 0, 10000), .unit = "ms",
     .help = "and for each request"},
    {NUMBER("engine.loop_ms", loop_ms, 0, 1000), .unit = "ms",
     .help = "of the host between steps, unless it forms one while another runs"},
    {NUMBER("engine.intake_ms", intake_ms, 0, 1000), .unit = "ms",
     .help = "of the front end for each request, one after the other"},
    {NUMBER("engine.draft_request_us", draft_request_us, 0, 1e6), .unit = "us",
     .help = "of the host to draft for a request"},
    {NUMBER("engine.draft_token_ns", draft_token_ns, 0, 1e6), .unit = "ns",
     .help = "and for each token it has"},
    {WHOLE("engine.max_prefill_tokens", max_prefill_tokens, 0, 1e6), .unit = "tokens",
     .help = "of prompts in a step; 0: the engine's (sglang)"},
    {WHOLE("engine.max_concurrent_requests", max_concurrent_requests, 0, 1e6), .unit = "requests",
     .help = "in the engine, more are refused; 0: the engine's (tgi: 128)"},
    {BOOL("engine.mixed_chunks", mixed_chunks), .help = "decodes beside chunks (sglang)"},
    {BOOL("engine.ignores_eos", ignores_eos),
     .help = "answers run to their budget, and the engine knows (sglang)"},
    {BOOL("engine.streams_tokens", streams_tokens),
     .help = "else answers are sent when their batch ends (static)"},

    {BOOL("noise", noise), .help = "draw how far steps, launches and wakes lie from their prices"},
    {TEXT("cost", cost),
     .help = "step costs: calibrated, profiled or roofline, [:FILE]; empty: calibrated, nearest"},

    {TEXT("workload.trace", trace), .help = "trace CSV to replay; empty: generate"},
    {TEXT("workload.datasets", datasets), .help = "mixture, NAME:WEIGHT,..."},
    {TEXT("workload.lengths", lengths), .help = "file of length models"},
    {TEXT("workload.lengths_model", lengths_model), .help = "whose lengths; empty: the model's"},
    {TEXT("workload.contrast_model", contrast_model),
     .help = "traditional model to run beside; empty: none"},
    {WHOLE("workload.requests", requests, 1, 1e8), .unit = "requests", .help = "to send"},
    {WHOLE("workload.token_budget", token_budget, 1, 1e7), .unit = "tokens",
     .help = "most output tokens of a request"},
    {NUMBER("workload.output_factor", output_factor, 1e-3, 1e3),
     .help = "times the drawn output lengths: what if answers were longer"},
    {WHOLE("workload.prefix_tokens", prefix_tokens, 0, 1e6), .unit = "tokens",
     .help = "system prompt or examples in front of each prompt"},
    {WHOLE("workload.prefixes", prefixes, 1, 1e6), .help = "different ones of these"},
    {WHOLE("workload.turns", turns, 1, 1000),
     .help = "of a conversation; each prompt holds the turns before"},
    {WHOLE("workload.conversations", conversations, 1, 1e6),
     .help = "going on at a time, one turn each in rotation"},
    {NUMBER("workload.draft_acceptance", draft_acceptance, 0, 0.999),
     .help = "chance that a drafted token is right, given those before it"},
    {TEXT("workload.arrival", arrival), .choices = arrivals, .help = "arrival process"},
    {TEXT("workload.windows", windows),
     .help = "of arrival 'windows': SECONDS:RATE:BURSTINESS,..., over and over"},
    {NUMBER("workload.rate_per_s", rate_per_s, 1e-6, 1e6), .unit = "requests/s",
     .help = "mean arrival rate"},
    {NUMBER("workload.burstiness", burstiness, 1e-3, 1e6),
     .help = "of gamma arrivals: CV of the gaps = 1/sqrt(burstiness); shape of weibull ones"},
    {TEXT("workload.client", client), .choices = clients,
     .help = "open: by arrival; closed: fixed number in flight; batch: batch by batch"},
    {WHOLE("workload.client_width", client_width, 1, 1e6), .unit = "requests",
     .help = "in flight (closed) or of a batch (batch)"},

    {NUMBER("metrics.timeline_interval_s", timeline_interval_s, 0, 1e6), .unit = "s",
     .help = "between rows of timeline.csv; 0: none"},
    {NUMBER("metrics.slo_ttft_s", slo_ttft_s, 0, MAX_TIME_S), .unit = "s",
     .help = "goodput: time to first token; 0: no limit"},
    {NUMBER("metrics.slo_tpot_s", slo_tpot_s, 0, MAX_TIME_S), .unit = "s",
     .help = "goodput: time per output token; 0: no limit"},
    {NUMBER("metrics.slo_e2e_s", slo_e2e_s, 0, MAX_TIME_S), .unit = "s",
     .help = "goodput: end to end; 0: no limit"},
    {.name = NULL},
};

/* The study's n-gram speculation yields 1.46 to 1.72 tokens a step (arXiv 2510.18672, inferred from
 * its lengths and chunks): 1 + p + p^2 + ... = 1.59. */
#define NGRAM_ACCEPTANCE 0.37

struct scenario scenario_default(const struct engine_preset *preset)
{
    struct scenario scenario = {
        .name = "default",
        .seed = 1,
        .model = "DeepSeek-R1-Distill-Qwen-7B",
        .weights = "bf16",
        .kv_cache = "bf16",
        .gpu = "H200-SXM",
        .tensor_parallel = 1,
        .gpu_memory_utilization = 0.9,
        .policy = "fcfs",
        .max_batch_tokens = preset->defaults.max_batch_tokens,
        .max_batch_requests = preset->defaults.max_batch_requests,
        .block_tokens = preset->defaults.block_tokens,
        .prefix_caching = preset->defaults.prefix_caching,
        .loop_ms = preset->defaults.loop_ms,
        .draft_request_us = preset->defaults.draft_request_us,
        .draft_token_ns = preset->defaults.draft_token_ns,
        .reserve_full_prompt = true,
        .chunked_prefill = !preset->defaults.whole_prompts,
        .async_scheduling = true,
        .datasets = "gsm8k:4,math-500:3,aime-2024:1,gpqa-diamond:2",
        .lengths = "workloads/data/lengths.json",
        .contrast_model = "Qwen2.5-Math-7B",
        .requests = 2000,
        .token_budget = 16384,
        .output_factor = 1,
        .instances = 1,
        .kv_latency_ms = 1,
        .prefixes = 1,
        .turns = 1,
        .conversations = 64,
        .draft_acceptance = NGRAM_ACCEPTANCE,
        .arrival = "gamma",
        .windows = "300:1:0.5,60:8:0.25",
        .rate_per_s = 2,
        .burstiness = 0.25,
        .client = "open",
        .client_width = 16,
        .timeline_interval_s = 1,
    };
    snprintf(scenario.engine, sizeof scenario.engine, "%s", preset->name);
    return scenario;
}

static bool check(const struct scenario *scenario, const struct engine_preset *preset,
                  struct error *error)
{
    if (!preset->has_policies && !text_equal(scenario->policy, "fcfs")) {
        return error_set(error, "'engine.policy' must be 'fcfs' with '%s', got '%s'", preset->name,
                         scenario->policy);
    }
    if ((scenario->prefill_instances > 0) != (scenario->decode_instances > 0) ||
        (scenario->prefill_instances > 0 && scenario->instances > 1)) {
        return error_set(error,
                         "'engine.prefill_instances' and 'engine.decode_instances' go together, "
                         "without 'engine.instances'");
    }
    if (scenario->prefill_instances > 0 && !preset->moves_kv) {
        return error_set(error, "'%s' has no disaggregation: 'engine.prefill_instances' must be 0",
                         preset->name);
    }
    if (!scenario->chunked_prefill && preset->tokens_needed == NULL &&
        scenario->max_model_len > scenario->max_batch_tokens) {
        return error_set(error,
                         "'engine.max_batch_tokens' must be at least 'engine.max_model_len' "
                         "without chunked prefill, got %u and %u",
                         scenario->max_batch_tokens, scenario->max_model_len);
    }
    return true;
}

static bool override(struct scenario *scenario, const char *path,
                     const struct option_list *assignments, const char *seed, struct error *error)
{
    if (path != NULL) {
        struct json *document = NULL;
        bool ok = embedded_read_json(path, &document, error) &&
                  settings_read(scenario_settings, document, path, scenario, error);
        json_destroy(document);
        if (!ok) {
            return false;
        }
    }
    for (size_t i = 0; i < assignments->count; i++) {
        if (!settings_assign(scenario_settings, assignments->values[i], scenario, error)) {
            return false;
        }
    }
    if (seed != NULL) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "seed=%.40s", seed);
        return settings_assign(scenario_settings, assignment, scenario, error);
    }
    return true;
}

/* Twice: which limits an engine starts with is known once the engine is. */
bool scenario_read(struct scenario *scenario, const char *path,
                   const struct option_list *assignments, const char *seed, struct error *error)
{
    const struct engine_preset *preset = engine_presets[0];
    *scenario = scenario_default(preset);
    if (!override(scenario, path, assignments, seed, error) ||
        !engine_preset_find(scenario->engine, &preset, error)) {
        return false;
    }
    *scenario = scenario_default(preset);
    return override(scenario, path, assignments, seed, error) && check(scenario, preset, error);
}
