#include "sim/scenario/scenario.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/policy/scheduling_policies.h"

#define TEXT(part, key, member) .name = key, .type = SETTING_TEXT, SETTING_OF(part, member)
#define BOOL(part, key, member) .name = key, .type = SETTING_BOOL, SETTING_OF(part, member)
#define WHOLE(part, key, member, least, most)                                                      \
    .name = key, .type = SETTING_WHOLE, SETTING_OF(part, member), .minimum = least, .maximum = most
#define NUMBER(part, key, member, least, most)                                                     \
    .name = key, .type = SETTING_NUMBER, SETTING_OF(part, member), .minimum = least, .maximum = most
#define TIME(part, key, member, most)                                                              \
    .name = key, .type = SETTING_TIME, SETTING_OF(part, member), .maximum = most
#define CHOICE(part, key, member, of)                                                              \
    .name = key, .type = SETTING_CHOICE, SETTING_OF(part, member), .choices = of

static const struct setting run_settings[] = {
    {TEXT(scenario, "name", name), .help = "name of the run, shown with its results"},
    {.name = "seed",
     .type = SETTING_SEED,
     SETTING_OF(scenario, seed),
     .maximum = MAX_SEED,
     .help = "seed of everything random; the same seed gives the same results"},
    {.name = NULL},
};

static const struct setting model_settings[] = {
    {TEXT(scenario_model, "model.name", name),
     .help = "model to serve: a name of 'kvcast list models', a Hugging Face id, or the path of a "
             "config.json"},
    {TEXT(scenario_model, "model.weights", weights),
     .help = "number format of the weights: a name of 'kvcast list precisions', or auto: as the "
             "model's config.json says, else bf16"},
    {TEXT(scenario_model, "model.kv_cache", kv_cache),
     .help = "number format of the KV cache: a name of 'kvcast list precisions'"},
    {.name = NULL},
};

static const struct setting hardware_settings[] = {
    {TEXT(scenario_hardware, "hardware.gpu", gpu),
     .help = "GPU to serve on: a name of 'kvcast list gpus', or the path of a GPU's JSON file"},
    {WHOLE(scenario_hardware, "hardware.tensor_parallel", tensor_parallel, 1, 64), .unit = "GPUs",
     .help = "GPUs that share the model in each instance (tensor-parallel-size)"},
    {NUMBER(scenario_hardware, "hardware.gpu_memory_utilization", gpu_memory_utilization, 0, 1),
     .minimum_but_0 = 0.01,
     .help = "share of the GPU's memory that the engine may use (gpu-memory-utilization, "
             "mem-fraction-static); 0: as the engine sets it"},
    {.name = NULL},
};

static const struct setting engine_settings[] = {
    {TEXT(scenario_engine, "engine.preset", name),
     .help = "engine and release to simulate: a name of 'kvcast list engines'"},
    {TEXT(scenario_engine, "engine.version", version),
     .help = "version whose memory is planned for, such as 0.19.0; empty: that of the preset"},
    {TEXT(scenario_engine, "engine.policy", policy),
     .help = "order in which requests are scheduled: a name of 'kvcast list policies', or the path "
             "of a policy of your own, with a '/' (examples/policy)"},
    {TEXT(scenario_engine, "engine.predictor", predictor),
     .help = "what policies take for the length of an answer: budget, oracle[:SIGMA] (the truth "
             "times exp(SIGMA N)), buckets[:CHANCE] (the right octave with this chance), or what "
             "has finished so far of the dataset: mean, quantile[:Q], hazard (the mean of those "
             "that were longer)"},
    {WHOLE(scenario_engine, "engine.earlier_answers", earlier_answers, 0, 1e6), .unit = "answers",
     .help = "answers that such a predictor has seen before the run, to requests drawn like those "
             "of the run; 0: it knows those alone that have finished in the run"},
    {.name = NULL},
};

static const struct setting_choice victim_rules[] = {
    {"policy", VICTIM_OF_POLICY, "as the policy says; without its say, the newest"},
    {"newest", VICTIM_NEWEST, "the one sent last"},
    {"most-kv", VICTIM_MOST_KV, "the one that holds the most KV blocks"},
    {"least-progress", VICTIM_LEAST_PROGRESS, "the one with the fewest output tokens so far"},
    {"longest", VICTIM_LONGEST, "the one with the most output tokens to come, as predicted"},
    {NULL, 0, NULL},
};

static const struct setting victim_settings[] = {
    {CHOICE(scenario_engine, "engine.victims", victims, victim_rules),
     .help = "which running request is preempted when KV blocks run out"},
    {.name = NULL},
};

static const struct setting draft_model_settings[] = {
    {TEXT(scenario_engine, "engine.draft_model", draft_model),
     .help = "model that drafts for speculative decoding, in bf16 on the same GPUs; empty: n-grams "
             "of the text itself"},
    {.name = NULL},
};

static const struct setting fleet_settings[] = {
    {.name = "cluster.groups",
     .type = SETTING_JSON,
     SETTING_OF(scenario_fleet, groups),
     .help = "groups of instances that are unlike each other, each an object with 'instances', "
             "'role' (both, prefill, decode) and settings of its own for model.weights, "
             "model.kv_cache, hardware, engine, price and cost; empty: all instances are alike"},
    {WHOLE(scenario_fleet, "engine.instances", instances, 1, 1024), .unit = "instances",
     .help = "engines that serve side by side; cluster.router says which gets a request"},
    {WHOLE(scenario_fleet, "cluster.max_requests", max_requests, 0, 1e9), .unit = "requests",
     .help = "most requests in the cluster, running or waiting; beyond that they are rejected as "
             "they come; 0: no limit"},
    {.name = NULL},
};

static const struct setting split_fleet_settings[] = {
    {WHOLE(scenario_fleet, "engine.prefill_instances", prefill_instances, 0, 512),
     .unit = "instances",
     .help =
         "instances that compute prompts only, for disaggregated serving; 0: not disaggregated"},
    {WHOLE(scenario_fleet, "engine.decode_instances", decode_instances, 0, 512),
     .unit = "instances",
     .help = "instances that generate answers only, for disaggregated serving; 0: not "
             "disaggregated"},
    {NUMBER(scenario_fleet, "engine.kv_link_gb_per_s", kv_link_gb_per_s, 0, 10000),
     .minimum_but_0 = 0.001, .unit = "GB/s",
     .help = "rate at which KV moves from prefill to decode instances; 0: that of the GPU's link, "
             "or of PCIe"},
    {TIME(scenario_fleet, "engine.kv_latency_ms", kv_latency_ps, 10000), .unit = "ms",
     .help = "fixed latency of each KV transfer"},
    {.name = NULL},
};

static const struct setting pricing_settings[] = {
    {BOOL(scenario, "noise", noise),
     .help = "whether the time of each step, launch and idle start is drawn from the spread that "
             "was measured, instead of being its mean"},
    {TEXT(scenario, "cost", cost),
     .help = "source of step times: calibrated, profiled or roofline, each with [:FILE]; empty: "
             "the nearest calibration"},
    {.name = NULL},
};

static const struct setting workload_settings[] = {
    {TEXT(scenario_workload, "workload.trace", trace),
     .help = "trace of requests to replay (CSV, traces/FORMAT.md); empty: requests are generated"},
    {NUMBER(scenario_workload, "workload.from_s", replay.from_s, 0, MAX_TIME_S), .unit = "s",
     .help = "moment of the trace at which the replay begins"},
    {NUMBER(scenario_workload, "workload.until_s", replay.until_s, 0, MAX_TIME_S), .unit = "s",
     .help = "moment of the trace at which the replay ends; 0: the end of the trace"},
    {WHOLE(scenario_workload, "workload.repeat", replay.repeat, 1, 1e6),
     .help = "times that the replayed part of the trace is played, one after the other"},
    {NUMBER(scenario_workload, "workload.rate_factor", replay.rate_factor, 1e-6, 1e6),
     .help = "factor on the arrival rate of a trace: 2 replays it twice as fast"},
    {TEXT(scenario_workload, "workload.datasets", datasets),
     .help = "mixture of datasets that requests are drawn from, as NAME:WEIGHT,..."},
    {TEXT(scenario_workload, "workload.lengths", lengths),
     .help = "file of length models: how long prompts and answers are, by dataset and model"},
    {TEXT(scenario_workload, "workload.lengths_model", lengths_model),
     .help = "model whose prompt and answer lengths are drawn; empty: the served model's own"},
    {TEXT(scenario_workload, "workload.contrast_model", contrast_model),
     .help = "traditional model that is run on the same load for comparison; empty: none"},
    {WHOLE(scenario_workload, "workload.requests", requests, 1, 1e8), .unit = "requests",
     .help = "number of requests to send; of a trace the first ones, all unless set"},
    {WHOLE(scenario_workload, "workload.token_budget", token_budget, 1, 1e7), .unit = "tokens",
     .help = "most output tokens of a request, thinking included (max_tokens); of a trace as "
             "recorded unless set, and answers do not grow beyond what was recorded"},
    {WHOLE(scenario_workload, "workload.thinking_budget", thinking_budget, 0, 1e7),
     .unit = "tokens",
     .help = "tokens after which thinking is closed and the answer comes (thinking_token_budget); "
             "how many answers are then right is not known; 0: none"},
    {NUMBER(scenario_workload, "workload.output_factor", output_factor, 1e-3, 1e3),
     .help = "factor on the length of every answer, before the budget cuts it"},
    {WHOLE(scenario_workload, "workload.prefix_tokens", sharing.prefix_tokens, 0, 1e6),
     .unit = "tokens",
     .help = "length of a system prompt or of examples in front of each prompt; 0: none"},
    {WHOLE(scenario_workload, "workload.prefixes", sharing.prefixes, 1, 1e6),
     .help = "number of different prefixes that the prompts begin with"},
    {WHOLE(scenario_workload, "workload.turns", sharing.turns, 1, 1000), .unit = "turns",
     .help = "requests of a conversation; the prompt of each holds the turns before it"},
    {WHOLE(scenario_workload, "workload.conversations", sharing.conversations, 1, 1e6),
     .help = "conversations that go on at a time, one turn each in rotation"},
    {WHOLE(scenario_workload, "workload.samples", sharing.samples, 1, 1000), .unit = "samples",
     .help = "answers that are asked for to each question, all at once; they share the prompt, and "
             "the question decides how long they get and whether they are right"},
    {CHOICE(scenario_workload, "workload.accuracy_scale", accuracy_scale, accuracy_scales),
     .help = "whose scorers say which answers are right"},
    {NUMBER(scenario_workload, "workload.draft_acceptance", draft_acceptance, 0, 0.999),
     .help = "chance that a drafted token is accepted, given that those before it were"},
    {TEXT(scenario_workload, "workload.draft_acceptance_by_position", draft_acceptance_by_position),
     .help = "chances that the first drafted token is accepted, the first two are, and so on, as "
             "CHANCE,CHANCE,...; empty: by workload.draft_acceptance"},
    {CHOICE(scenario_workload, "workload.arrival", arrivals.process, arrival_processes),
     .help = "arrival process of the requests"},
    {TEXT(scenario_workload, "workload.windows", arrivals.windows),
     .help = "windows of arrival 'windows', repeated for ever, as SECONDS:RATE:BURSTINESS,..."},
    {NUMBER(scenario_workload, "workload.rate_per_s", arrivals.rate_per_s, 1e-6, 1e6),
     .unit = "requests/s",
     .help = "mean arrival rate of the requests; a trace is rescaled to it if set"},
    {NUMBER(scenario_workload, "workload.burstiness", arrivals.burstiness, 1e-3, 1e6),
     .help =
         "shape of gamma and Weibull gaps; the coefficient of variation of gamma gaps is "
         "1/sqrt(burstiness), so that less than 1 is burstier than Poisson; if set, the gaps of a "
         "trace are drawn anew as gamma gaps"},
    {CHOICE(scenario_workload, "workload.client", client.kind, client_kinds),
     .help = "when the next request is sent"},
    {WHOLE(scenario_workload, "workload.client_width", client.width, 1, 1e6), .unit = "requests",
     .help = "requests in flight of a closed client, or of each batch of a batch client"},
    {.name = NULL},
};

static const struct setting metrics_settings[] = {
    {TIME(scenario_metrics, "metrics.timeline_interval_s", timeline_interval_ps, 1e6),
     .minimum_but_0 = 0.001, .unit = "s",
     .help = "simulated time between two rows of timeline.csv; 0: no rows"},
    {NUMBER(scenario_metrics, "metrics.warm_up_s", warm_up_s, -1, MAX_TIME_S), .unit = "s",
     .help = "time before the measured part of a run; -1: as long as nine in ten requests take, at "
             "most half of the time in which requests are sent, or 0 where the client waits for "
             "answers"},
    {NUMBER(scenario_metrics, "metrics.measure_s", measure_s, 0, MAX_TIME_S), .unit = "s",
     .help = "length of the measured part; 0: until the last request is sent"},
    {TEXT(scenario_metrics, "metrics.percentiles", percentiles),
     .help = "percentiles of latencies on screen, of 50, 90, 95, 99 and 99.9; those beyond 50, 90 "
             "and 99 stand in summary.json too"},
    {NUMBER(scenario_metrics, "metrics.slo_ttft_s", slo_ttft_s, 0, MAX_TIME_S), .unit = "s",
     .help = "longest time to first token that counts as good; 0: any does"},
    {NUMBER(scenario_metrics, "metrics.slo_tpot_s", slo_tpot_s, 0, MAX_TIME_S), .unit = "s",
     .help = "longest time per output token that counts as good; 0: any does"},
    {NUMBER(scenario_metrics, "metrics.slo_e2e_s", slo_e2e_s, 0, MAX_TIME_S), .unit = "s",
     .help = "longest time from sending to the last token that counts as good; 0: any does"},
    {.name = NULL},
};

/* The study's n-gram speculation yields 1.46 to 1.72 tokens a step (arXiv 2510.18672, inferred from
 * its lengths and chunks): 1 + p + p^2 + ... = 1.59. */
#define NGRAM_ACCEPTANCE 0.37

static struct scenario_workload default_workload(void)
{
    return (struct scenario_workload){
        .datasets = "gsm8k:4,math-500:3,aime-2024:1,gpqa-diamond:2",
        .lengths = "workloads/data/lengths.json",
        .contrast_model = "Qwen2.5-Math-7B",
        .requests = 2000,
        .token_budget = 16384,
        .output_factor = 1,
        .replay = {.repeat = 1, .rate_factor = 1},
        .sharing = {.prefixes = 1, .turns = 1, .conversations = 64, .samples = 1},
        .draft_acceptance = NGRAM_ACCEPTANCE,
        .arrivals = {.process = ARRIVAL_GAMMA,
                     .windows = "300:1:0.5,60:8:0.25",
                     .rate_per_s = 2,
                     .burstiness = 0.25},
        .client = {.kind = CLIENT_OPEN, .width = 16},
    };
}

static struct scenario_fleet default_fleet(void)
{
    return (struct scenario_fleet){
        .instances = 1,
        .kv_latency_ps = PS_PER_MS,
        .router = {.prefix_weight = 1},
        .outages = {.failure_shape = 1, .repair_s = 300},
        .scaling = {.target = 32,
                    .minimum = 1,
                    .interval_ps = 15 * PS_PER_S,
                    .start_ps = 60 * PS_PER_S,
                    .cool_down_ps = 300 * PS_PER_S},
    };
}

static const struct setting price_settings[] = {
    {NUMBER(scenario_price, "price.usd_per_gpu_hour", usd_per_gpu_hour, 0, 1e6), .unit = "USD",
     .help = "price of a GPU for an hour; 0: the range of prices in the GPU's data sheet"},
    {.name = NULL},
};

struct scenario scenario_default(const struct engine_preset *preset)
{
    assert(preset != NULL);
    struct scenario scenario = {
        .name = "default",
        .seed = 1,
        .model = {.name = "DeepSeek-R1-Distill-Qwen-7B", .weights = "auto", .kv_cache = "bf16"},
        .hardware = {.gpu = "H200-SXM", .tensor_parallel = 1},
        .engine = {.preset = preset,
                   .settings = preset->defaults,
                   .policy = "fcfs",
                   .predictor = "budget",
                   .earlier_answers = 1000},
        .policy = {.chosen = scheduling_policies[0]},
        .fleet = default_fleet(),
        .workload = default_workload(),
        .metrics = {.timeline_interval_ps = PS_PER_S, .warm_up_s = -1, .percentiles = "50,90,99"},
    };
    snprintf(scenario.engine.name, sizeof scenario.engine.name, "%s", preset->name);
    return scenario;
}

bool scenario_choose_policy(struct scenario *scenario, const char *name, struct error *error)
{
    struct scenario_policy *policy = &scenario->policy;
    memset(policy, 0, sizeof *policy);
    if (!scheduling_policy_find(name, &policy->chosen, error)) {
        return false;
    }
    const struct policy_parameter *parameter = policy->chosen->parameters;
    for (size_t i = 0; parameter != NULL && parameter[i].key != NULL; i++) {
        assert(i < POLICY_MAX_PARAMETERS);
        policy->values[i] = parameter[i].value;
        policy->table[i] = (struct setting){.name = parameter[i].key,
                                            .type = SETTING_NUMBER,
                                            .offset = i * sizeof policy->values[0],
                                            .bytes = sizeof policy->values[0],
                                            .minimum = parameter[i].minimum,
                                            .maximum = parameter[i].maximum,
                                            .unit = parameter[i].unit,
                                            .help = parameter[i].help};
    }
    return true;
}

static struct settings_part *add_part(struct settings_part *part, const struct setting *table,
                                      void *target)
{
    *part = (struct settings_part){table, target};
    return part + 1;
}

static bool has_drafts(const struct engine_preset *preset)
{
    size_t i = 0;
    while (preset->settings[i] != NULL && preset->settings[i] != engine_settings_of_drafts) {
        i++;
    }
    return preset->settings[i] != NULL;
}

void scenario_parts(struct scenario *scenario, struct settings_part *ret_parts)
{
    const struct engine_preset *preset = scenario->engine.preset;
    struct settings_part *next = ret_parts;
    next = add_part(next, run_settings, scenario);
    next = add_part(next, model_settings, &scenario->model);
    next = add_part(next, hardware_settings, &scenario->hardware);
    next = add_part(next, engine_settings, &scenario->engine);
    for (size_t i = 0; preset->settings[i] != NULL; i++) {
        next = add_part(next, preset->settings[i], &scenario->engine.settings);
    }
    if (preset->policies == POLICY_SCOPE_VICTIMS) {
        next = add_part(next, victim_settings, &scenario->engine);
    }
    next = add_part(next, scenario->policy.table, scenario->policy.values);
    if (has_drafts(preset)) {
        next = add_part(next, draft_model_settings, &scenario->engine);
    }
    next = add_part(next, fleet_settings, &scenario->fleet);
    next = add_part(next, router_settings_table, &scenario->fleet.router);
    next = add_part(next, outage_settings_table, &scenario->fleet.outages);
    next = add_part(next, autoscaler_settings_table, &scenario->fleet.scaling);
    if (preset->moves_kv) {
        next = add_part(next, split_fleet_settings, &scenario->fleet);
    }
    next = add_part(next, pricing_settings, scenario);
    next = add_part(next, workload_settings, &scenario->workload);
    next = add_part(next, metrics_settings, &scenario->metrics);
    next = add_part(next, price_settings, &scenario->price);
    next = add_part(next, NULL, NULL);
    assert(next - ret_parts <= MAX_SCENARIO_PARTS);
}

bool scenario_is_given(const struct scenario *scenario, const char *key)
{
    struct scenario copy = *scenario;
    struct settings_part parts[MAX_SCENARIO_PARTS];
    scenario_parts(&copy, parts);
    size_t position = settings_position(parts, key);
    return position < MAX_SETTINGS && scenario->given[position] != SOURCE_DEFAULT;
}
