/* One engine on its GPUs: its limits, its queues, its KV cache, its steps in flight. */
#ifndef SIM_SERVING_INSTANCE_H
#define SIM_SERVING_INSTANCE_H

#include "sim/base/error.h"
#include "sim/serving/batch.h"
#include "sim/serving/cohort.h"
#include "sim/serving/kv_cache.h"
#include "sim/serving/request.h"
#include "sim/serving/request_queue.h"
#include "sim/serving/scheduling_policy.h"
#include "sim/serving/step_cost.h"

enum { STEPS_IN_FLIGHT_MAXIMUM = 2 };

struct engine_settings {
    uint32_t max_batch_tokens;   /* of one step */
    uint32_t max_batch_requests; /* running together */
    uint32_t max_model_len;      /* prompt + output of one request */
    uint32_t block_tokens;
    uint32_t num_blocks;                    /* the engine's number, its null block included */
    uint32_t long_prefill_threshold_tokens; /* longest chunk of a prompt; 0: none */
    double watermark_ratio;                 /* of the blocks, kept free at admissions */
    bool reserve_full_prompt;               /* admit only if all known tokens fit now */
    bool chunked_prefill;
    bool async_scheduling;
};

/* How an engine forms a step and takes its output in. */
struct engine_preset {
    const char *name;
    const char *summary;
    uint32_t reserved_blocks; /* that no request can hold */
    void (*form)(struct instance *instance, struct batch *batch);
    void (*process_output)(struct instance *instance, const struct batch *batch);
    /* For how many turns of the loop a request that is a decode in every step in flight remains
     * one: a token comes out, another is formed. 0 when it is about to end. */
    uint32_t (*steady_turns)(const struct instance *instance, const struct request *request);
    /* Whether the next forming would admit a waiting request, were it to find no fewer free blocks.
     */
    bool (*admits_waiting)(const struct instance *instance);
};

/* The price of decode attention, held over a stretch of decode steps of one number of requests. */
struct attention_stretch {
    struct attention_price price;
    struct step_noise noise;
    uint32_t requests;
    uint32_t steps;
};

struct instance {
    struct engine_settings settings;
    const struct engine_preset *preset;
    const struct scheduling_policy *policy;
    struct request *requests; /* borrowed; lists and events name them by their place here */
    struct kv_cache kv_cache;
    struct request_queue waiting;
    uint32_t *running; /* in order of admission */
    uint32_t running_count;
    uint32_t *loose; /* those that are no members of the cohort; among prompts, in order */
    uint32_t loose_count;
    struct cohort cohort;
    uint32_t *finished; /* by the last output processed */
    uint32_t finished_count;
    uint32_t watermark_blocks;

    /* the engine loop */
    struct batch steps[STEPS_IN_FLIGHT_MAXIMUM]; /* a ring, the oldest first */
    uint32_t oldest_step;
    uint32_t steps_in_flight;
    bool is_busy;           /* launching, or waiting for a step; else blocked on its input */
    int64_t launch_done_ps; /* of the newest step */
    int64_t gpu_free_ps;    /* when the GPU has done all launched work */
    struct attention_stretch attention;
};

void instance_init(struct instance *instance, const struct engine_preset *preset,
                   const struct scheduling_policy *policy, const struct engine_settings *settings,
                   struct request *requests, uint32_t request_count);
/* The requests have moved, or there is room for more of them. */
void instance_set_requests(struct instance *instance, struct request *requests,
                           uint32_t request_count);
void instance_clear(struct instance *instance);

/* Steps in flight before the loop waits for the oldest. */
static inline uint32_t instance_steps_limit(const struct instance *instance)
{
    return instance->settings.async_scheduling ? 2 : 1;
}

/* The k-th oldest step in flight. */
static inline struct batch *instance_step(struct instance *instance, uint32_t k)
{
    return &instance->steps[(instance->oldest_step + k) % STEPS_IN_FLIGHT_MAXIMUM];
}

/* A request runs from now on, behind all others; or no longer. */
void instance_add_running(struct instance *instance, uint32_t request);
void instance_remove_running(struct instance *instance, uint32_t request);

/* A request enters the waiting queue, where the policy says. */
void instance_enqueue(struct instance *instance, uint32_t request);

/* Why a request can never be served, or NULL: its prompt reaches max_model_len or needs more blocks
 * than there are. */
const char *instance_refusal(const struct instance *instance, const struct request *request);

bool instance_has_work(const struct instance *instance);

#endif
