/* A scenario: everything that decides a run, as one JSON file, by parts. It says what was asked
 * for; sim/scenario/deployment.h is what that comes to. */
#ifndef SIM_SCENARIO_SCENARIO_H
#define SIM_SCENARIO_SCENARIO_H

#include <stdint.h>

#include "sim/base/settings.h"
#include "sim/cluster/autoscaler.h"
#include "sim/cluster/client.h"
#include "sim/cluster/outages.h"
#include "sim/cluster/router.h"
#include "sim/serving/instance.h"
#include "workloads/generator.h"

struct scenario_model {
    char name[256]; /* of 'kvcast list models', or a config.json */
    char weights[32];
    char kv_cache[16];
};

struct scenario_hardware {
    char gpu[48];
    uint32_t tensor_parallel;
    double gpu_memory_utilization; /* 0: the engine's own */
};

struct scenario_engine {
    char name[32]; /* of the preset */
    const struct engine_preset *preset;
    struct engine_settings settings;
    char version[16]; /* empty: the preset's */
    char policy[256];
    char predictor[32];
    uint32_t earlier_answers; /* that the predictor has seen */
    enum victim_rule victims;
    char draft_model[256]; /* empty: n-grams of the text itself */
};

/* The scheduling policy and its parameters, as settings "policy.KEY". */
struct scenario_policy {
    const struct scheduling_policy *chosen;
    struct setting table[POLICY_MAX_PARAMETERS + 1];
    double values[POLICY_MAX_PARAMETERS];
};

/* How many instances there are, and what lies between them. */
struct scenario_fleet {
    char groups[2048]; /* JSON, of instances unlike each other; empty: all are alike */
    uint32_t instances;
    uint32_t prefill_instances;
    uint32_t decode_instances;
    double kv_link_gb_per_s; /* 0: by the GPU's data sheet */
    int64_t kv_latency_ps;
    struct router_settings router;
    struct outage_settings outages;
    struct autoscaler_settings scaling;
    uint32_t max_requests; /* in the cluster; 0: no limit */
};

struct scenario_arrivals {
    enum arrival_kind process;
    double rate_per_s; /* with a trace 0: as recorded */
    double burstiness; /* with a trace 0: as recorded */
    char windows[1024];
};

/* What is changed about a trace. */
struct scenario_replay {
    double from_s;
    double until_s; /* 0: to the end */
    uint32_t repeat;
    double rate_factor;
};

struct scenario_workload {
    char trace[256]; /* to replay; empty: generate */
    struct scenario_replay replay;
    char datasets[256];       /* NAME:WEIGHT,... */
    char lengths[256];        /* file of length models */
    char lengths_model[64];   /* whose lengths; empty: the model's own */
    char contrast_model[64];  /* a traditional model to run beside; empty: none */
    uint32_t requests;        /* with a trace 0: all of it */
    uint32_t token_budget;    /* with a trace 0: as recorded */
    uint32_t thinking_budget; /* 0: none */
    double output_factor;
    enum accuracy_scale accuracy_scale;
    struct generator_sharing sharing;
    double draft_acceptance;
    char draft_acceptance_by_position[256]; /* CHANCE,... instead; empty: as above at each */
    struct scenario_arrivals arrivals;
    struct client_settings client;
};

struct scenario_metrics {
    int64_t timeline_interval_ps;
    double warm_up_s; /* before the measured part; below 0: derived */
    double measure_s; /* its length; 0: while requests are sent */
    char percentiles[64];
    double slo_ttft_s;
    double slo_tpot_s;
    double slo_e2e_s;
};

struct scenario_price {
    double usd_per_gpu_hour; /* 0: the range of the GPU's data sheet */
};

/* Who gave a setting. A later one overrides the ones before. */
enum scenario_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_COMMAND_LINE };

struct scenario {
    char name[64];
    uint64_t seed;
    bool noise;     /* draw how far steps, launches and idle starts lie from their prices */
    char cost[256]; /* SOURCE[:FILE]; empty: the best that exists */
    struct scenario_model model;
    struct scenario_hardware hardware;
    struct scenario_engine engine;
    struct scenario_policy policy;
    struct scenario_fleet fleet;
    struct scenario_workload workload;
    struct scenario_metrics metrics;
    struct scenario_price price;
    uint8_t given[MAX_SETTINGS]; /* scenario_source of each setting, by its place in the parts */
};

/* The embedded default, on an engine with the limits that it starts with. */
struct scenario scenario_default(const struct engine_preset *preset);

/* The policy named 'name', with its parameters as they are unless set. */
MUST_CHECK bool scenario_choose_policy(struct scenario *scenario, const char *name,
                                       struct error *error);

/* The tables of all settings that the scenario's engine has; they point into the scenario. */
enum { MAX_SCENARIO_PARTS = 32 };
void scenario_parts(struct scenario *scenario, struct settings_part *ret_parts);

/* True when the setting was not left at its default. */
bool scenario_is_given(const struct scenario *scenario, const char *key);

#endif
