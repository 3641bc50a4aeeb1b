/* A scenario: everything that decides a run, as one JSON file or its defaults. */
#ifndef SIM_SCENARIO_SCENARIO_H
#define SIM_SCENARIO_SCENARIO_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/option_list.h"
#include "sim/base/settings.h"
#include "sim/engines/engine_presets.h"

struct scenario {
    char name[64];
    uint64_t seed;

    char model[256]; /* a name of 'kvcast list models', or a config.json */
    char weights[32];
    char kv_cache[16];

    char gpu[48];
    uint32_t tensor_parallel;
    double gpu_memory_utilization;

    char engine[32];
    char policy[32];
    uint32_t max_batch_tokens;
    uint32_t max_batch_requests;
    uint32_t max_model_len; /* 0: the model's, at most 32768 */
    uint32_t block_tokens;
    uint32_t num_blocks; /* 0: from the memory model */
    uint32_t long_prefill_threshold_tokens;
    double watermark_ratio;
    bool reserve_full_prompt;
    bool chunked_prefill;
    bool async_scheduling;
    bool prefix_caching;
    uint32_t draft_tokens;
    char draft_model[256]; /* empty: n-grams of the text itself */
    double swap_gib;
    uint32_t instances;
    uint32_t prefill_instances;
    uint32_t decode_instances;
    double kv_link_gb_per_s;
    double kv_latency_ms;
    double loop_ms;
    double intake_ms;
    double draft_request_us;
    double draft_token_ns;
    uint32_t max_prefill_tokens;
    uint32_t max_concurrent_requests;
    bool mixed_chunks;
    bool ignores_eos;
    bool streams_tokens;

    bool noise;     /* draw how far steps, launches and wakes lie from their prices */
    char cost[256]; /* SOURCE[:FILE]; empty: the best that exists */

    char trace[256];         /* a trace to replay; empty: generate */
    char datasets[256];      /* NAME:WEIGHT,... */
    char lengths[256];       /* file of length models */
    char lengths_model[64];  /* whose lengths; empty: the model's own */
    char contrast_model[64]; /* a traditional model to run beside; empty: none */
    uint32_t requests;
    uint32_t token_budget;
    double output_factor;
    uint32_t prefix_tokens;
    uint32_t prefixes;
    uint32_t turns;
    uint32_t conversations;
    double draft_acceptance;
    char arrival[16];
    char windows[1024];
    double rate_per_s;
    double burstiness;
    char client[16];
    uint32_t client_width;

    double timeline_interval_s;
    double slo_ttft_s;
    double slo_tpot_s;
    double slo_e2e_s;
};

extern const struct setting scenario_settings[];

/* The embedded default, with the limits that the engine starts with. */
struct scenario scenario_default(const struct engine_preset *preset);

/* The default, overridden by the file at 'path' (NULL: none), then by 'assignments' (KEY=VALUE),
 * then by 'seed' (NULL: as it is). */
MUST_CHECK bool scenario_read(struct scenario *scenario, const char *path,
                              const struct option_list *assignments, const char *seed,
                              struct error *error);

#endif
