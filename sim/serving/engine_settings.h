/* What can be set of an engine. Each preset names the tables of the settings that it has and the
 * values that it starts with; the scenario reads them, and nothing else of an engine can be set. */
#ifndef SIM_SERVING_ENGINE_SETTINGS_H
#define SIM_SERVING_ENGINE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/settings.h"

/* Through what an engine is started; vLLM sets other limits by itself for each. */
enum engine_usage {
    ENGINE_USAGE_SERVER,  /* vllm serve */
    ENGINE_USAGE_LIBRARY, /* the LLM class, in-process */
    ENGINE_USAGE_ENGINE   /* the engine's own interface (AsyncLLM) and all else */
};

/* The limits of a step that an engine sets by itself where nobody says otherwise. */
struct engine_limits {
    uint32_t batch_tokens;
    uint32_t batch_requests;
    const char *rule; /* whose rule it is: an engine on some GPUs */
};

/* Preempted requests copied to the CPU instead of recomputed. */
struct swap_settings {
    double gib;       /* of CPU memory for each GPU; 0: preempted requests are recomputed */
    uint32_t blocks;  /* that fit there */
    int64_t block_ps; /* to copy one */
};

/* Time that the host takes. */
struct host_settings {
    int64_t loop_ps;          /* between two steps, where they do not overlap */
    int64_t intake_ps;        /* of the front end for each request, one after the other */
    int64_t draft_request_ps; /* to draft for a request, before each step */
    int64_t draft_token_ps;   /* and for each token it knows */
};

/* What SGLang alone has. */
struct sglang_settings {
    uint32_t max_prefill_tokens; /* of one step, but for a first longer prompt */
    bool mixed_chunks;           /* decodes beside chunks of prompts */
    bool ignores_eos;            /* requests run to their limit, and the engine knows */
};

struct engine_settings {
    enum engine_usage usage;
    uint32_t max_batch_tokens;   /* of one step; 0 until it is derived */
    uint32_t max_batch_requests; /* running together; 0 until it is derived */
    uint32_t max_model_len;      /* prompt + output of one request; 0 until it is derived */
    uint32_t block_tokens;
    uint32_t num_blocks; /* the engine's number, its null block included; 0 until it is derived */
    uint32_t long_prefill_threshold_tokens; /* longest chunk of a prompt; 0: none */
    double watermark_ratio;                 /* of the blocks, kept free at admissions */
    bool reserve_full_prompt;               /* admit only if all known tokens fit now */
    bool chunked_prefill;
    bool async_scheduling;
    bool prefix_caching;
    bool streams_tokens;    /* else answers are sent when the batch ends (static batching) */
    bool new_sizes_wait;    /* launching a size for the first time waits for the GPU to be idle */
    uint32_t largest_graph; /* captured batch (SGLang, TGI); 0: by the GPU's memory */
    uint32_t max_concurrent_requests; /* more are refused; 0: no limit (TGI) */
    uint32_t draft_tokens;            /* proposed for each decode by speculation; 0: none */
    struct sglang_settings sglang;
    struct swap_settings swap;
    struct host_settings host;
};

/* Tables of settings that several engines have; a preset lists those it has. */
extern const struct setting engine_settings_of_all[];
extern const struct setting engine_settings_of_blocks[];
extern const struct setting engine_settings_of_usage[];
extern const struct setting engine_settings_of_chunks[];
extern const struct setting engine_settings_of_overlap[];
extern const struct setting engine_settings_of_prefixes[];
extern const struct setting engine_settings_of_drafts[];

/* Rows of an engine's own table. */
#define ENGINE_BOOL(key, member)                                                                   \
    .name = key, .type = SETTING_BOOL, SETTING_OF(engine_settings, member)
#define ENGINE_WHOLE(key, member, least, most)                                                     \
    .name = key, .type = SETTING_WHOLE, SETTING_OF(engine_settings, member), .minimum = least,     \
    .maximum = most
#define ENGINE_NUMBER(key, member, least, most)                                                    \
    .name = key, .type = SETTING_NUMBER, SETTING_OF(engine_settings, member), .minimum = least,    \
    .maximum = most
#define ENGINE_CHOICE(key, member, of)                                                             \
    .name = key, .type = SETTING_CHOICE, SETTING_OF(engine_settings, member), .choices = of
#define ENGINE_TIME(key, member, most)                                                             \
    .name = key, .type = SETTING_TIME, SETTING_OF(engine_settings, member), .maximum = most

#endif
