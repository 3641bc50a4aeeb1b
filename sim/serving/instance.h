/* One engine on its GPUs: its limits, its queues, its KV cache, its steps in flight. */
#ifndef SIM_SERVING_INSTANCE_H
#define SIM_SERVING_INSTANCE_H

#include "sim/base/error.h"
#include "sim/hardware/gpu.h"
#include "sim/kv/kv_cache.h"
#include "sim/scheduling/length_predictor.h"
#include "sim/scheduling/request_queue.h"
#include "sim/scheduling/scheduling_policy.h"
#include "sim/serving/batch.h"
#include "sim/serving/engine_settings.h"
#include "sim/serving/instance_parts.h"
#include "sim/serving/request.h"
#include "sim/serving/step_record.h"

enum { MAX_STEPS_IN_FLIGHT = 2 };

/* How other values than 'defaults' follow when an engine starts. */
struct engine_start {
    uint32_t profiled_requests; /* whose sampling it keeps memory for; 0: max_batch_requests */
    /* max_batch_tokens unless told, where chunked_prefill is not as in the defaults; 0: the same */
    uint32_t otherwise_batch_tokens;
    /* It caches prefixes unless told; 'defaults' do not, and the scenario does it where prompts
     * have something in common. */
    bool caches_prefixes;
    /* max_model_len unless told, where the model allows more; 0: what the model allows. V0 computes
     * prompts otherwise for longer requests. */
    uint32_t longest_request_tokens;
    /* The limits that it sets by itself on a GPU, beside what is asked for. NULL: the same on all,
     * as in 'defaults'. */
    struct engine_limits (*limits_on)(const struct engine_settings *asked, const struct gpu *gpu);
};

/* What an engine says of steps that only repeat; stepwise runs do not ask. */
struct engine_repetition {
    /* Of an engine that keeps no decode group. For how many steps at most, each of which takes a
     * token in for every request of the steps in flight and forms the same decodes again, it
     * decides nothing and finds the room it looks for; the generic limits (ends, blocks that are
     * free) aside. NULL: it never tells. */
    uint64_t (*repeatable_steps)(const struct instance *instance);
    /* What it keeps beside the instance, and blocks known by what they hold, change in so many of
     * them; called before anything else does. NULL: nothing changes. */
    void (*repeat)(struct instance *instance, uint64_t steps);
    /* NULL for both: it keeps no decode group. */
    /* For how many steps of the loop a request that is a decode in every step in flight remains
     * one: a token comes out, another is formed. 0 when it is about to end. */
    uint32_t (*steady_steps)(const struct instance *instance, const struct request *request);
    /* Whether the next scheduling pass would admit a waiting request, were it to find no fewer free
     * blocks.
     */
    bool (*admits_waiting)(const struct instance *instance);
};

/* What of a scheduling policy an engine follows. */
enum policy_scope {
    POLICY_SCOPE_NONE,   /* it has an order of its own */
    POLICY_SCOPE_ORDER,  /* who starts when */
    POLICY_SCOPE_VICTIMS /* and who is preempted, for whom, and how long chunks are */
};

/* How an engine forms a step and takes its output in. */
struct engine_preset {
    const char *name;
    const char *summary;
    uint32_t reserved_blocks; /* that no request can hold */
    uint32_t spare_blocks;    /* that a decode must find free even when it needs none */
    uint32_t ahead_tokens; /* taken in advance whenever a request needs a block (V1 before 0.9) */
    bool frees_to_tail;    /* freed blocks queue up behind all others, whatever they hold */
    bool moves_kv;         /* prompts and what follows can be on different instances */
    bool counts_calls;     /* blocks noted by a scheduling pass are found by later ones only */
    enum policy_scope policies;
    const struct setting *const *settings; /* tables of those that the engine has, up to NULL */
    struct engine_settings defaults;       /* what it starts with */
    struct engine_start start;
    /* Tokens that must fit the pool, or the request is refused; NULL: its prompt and output. */
    uint64_t (*tokens_needed)(const struct instance *instance, const struct request *request);
    /* Leading tokens of the request that a cache in engine_state holds. NULL: it has none. */
    uint32_t (*cached_tokens)(const struct instance *instance, const struct request *request);
    /* What the engine keeps beside the instance, in engine_state; NULL: nothing. */
    void (*create_state)(struct instance *instance);
    void (*destroy_state)(struct instance *instance);
    void (*schedule)(struct instance *instance, struct batch *batch);
    /* Not NULL: under asynchronous scheduling the next step is formed once the tokens of a step are
     * taken, before its output is processed; else it is formed beside it. */
    void (*take_tokens)(struct instance *instance, struct batch *batch);
    void (*process_output)(struct instance *instance, struct batch *batch);
    struct engine_repetition repeats;
};

/* Positions in a list of requests by step: the first of each, and who follows whom. */
struct step_list {
    uint32_t *first;
    uint32_t *next;
};

#define STEP_LIST_END UINT32_MAX

/* Who is preempted when blocks run out. */
enum victim_rule {
    VICTIM_OF_POLICY,
    VICTIM_NEWEST, /* the one sent last */
    VICTIM_MOST_KV,
    VICTIM_LEAST_PROGRESS, /* the fewest output tokens so far */
    VICTIM_LONGEST,        /* the most output tokens still to come, as predicted */
};

/* What an instance runs: resolved once, then shared by all instances that are alike. */
struct instance_config {
    const struct engine_preset *preset;
    const struct scheduling_policy *policy;
    const double *policy_values; /* of its parameters; NULL: as they are unless set */
    enum victim_rule victims;
    struct length_predictor predictor;
    const struct step_cost *cost;
    const struct step_cost *draft_cost; /* of the model that drafts; NULL: nothing on the GPU */
    const struct launched_sizes *known_sizes; /* launched before the run; NULL: none */
    struct engine_settings engine;
};

/* Blocks that requests can hold. */
static inline uint32_t instance_config_blocks(const struct instance_config *config)
{
    return config->engine.num_blocks - config->preset->reserved_blocks;
}

/* For uniform_decodes.c, by step. */
struct uniform_lists {
    uint32_t *crossings; /* blocks taken, modulo a block's tokens */
    /* Of the running, where blocks are known by what they hold: */
    struct step_list taking;  /* who takes a block, */
    struct step_list filling; /* and who fills one */
};

/* Requests that leave the engine. */
struct leaving_requests {
    uint32_t *finished; /* by the last output processed */
    uint32_t finished_count;
    uint32_t *refused; /* by the last scheduling pass */
    uint32_t refused_count;
    size_t refused_capacity;
};

/* Where the engine loop stands. */
struct loop_state {
    struct batch steps[MAX_STEPS_IN_FLIGHT]; /* a ring, the oldest first */
    uint32_t oldest_step;
    uint32_t steps_in_flight;
    bool is_busy;          /* launching, or waiting for a step; else blocked on its input */
    bool may_repeat;       /* steps that only repeat may be planned; else each is made */
    struct decode_run run; /* planned */
};

/* The instance's part in a run; the loop needs one. */
struct instance_account {
    struct step_record *record; /* of the run, borrowed; NULL: there is none */
    uint32_t number;            /* of the instance in it */
    uint64_t output_tokens;     /* given to clients */
    uint64_t steps_since_token;
    uint64_t patience_steps; /* without a token */
};

struct instance {
    const struct instance_config *config; /* borrowed */
    struct request *requests; /* borrowed; lists and events name them by their place here */
    struct kv_cache kv_cache;
    void *engine_state;
    struct request_queue waiting;
    struct request_queue swapped;
    uint32_t swapped_blocks; /* of the swapped, on the CPU */
    uint32_t *running;       /* in order of admission */
    uint32_t running_count;
    uint32_t *ungrouped; /* of them, no members of the decode group; among prompts, in order */
    uint32_t ungrouped_count;
    struct decode_group decode_group;
    struct uniform_lists uniform;
    struct leaving_requests leaving;
    uint32_t watermark_blocks;
    bool prefills_only; /* hands requests over with their first token */
    struct loop_state loop;
    struct step_pricing pricing;
    struct policy_seat policy;
    struct instance_account account;
};

/* Borrows 'config' and the requests. */
void instance_init(struct instance *instance, const struct instance_config *config,
                   struct request *requests, uint32_t request_count);
/* The requests have moved, or there is room for more of them. */
void instance_set_requests(struct instance *instance, struct request *requests,
                           uint32_t request_count);
void instance_clear(struct instance *instance);

/* The instance becomes number 'number' of a run, whose record it borrows. With 'may_repeat', steps
 * that only repeat may be planned ahead. */
void instance_join_run(struct instance *instance, struct step_record *record, uint32_t number,
                       bool may_repeat);

/* All requests are gone, and what was kept of them: as after its start. Its account goes on. */
void instance_restart(struct instance *instance);

/* Leading tokens of a request that is not running which it would not have to compute now. */
uint32_t instance_cached_tokens(const struct instance *instance, const struct request *request);

/* Blocks used and tokens given so far. */
struct timeline_usage instance_usage(const struct instance *instance);

/* Steps in flight before the loop waits for the oldest. */
static inline uint32_t instance_steps_limit(const struct instance *instance)
{
    return instance->config->engine.async_scheduling &&
                   instance->config->preset->take_tokens == NULL
               ? 2
               : 1;
}

/* The next step is formed once the tokens of a step are known, before its output is processed. */
static inline bool instance_takes_tokens_early(const struct instance *instance)
{
    return instance->config->engine.async_scheduling &&
           instance->config->preset->take_tokens != NULL;
}

/* The k-th oldest step in flight. */
static inline struct batch *instance_step(struct instance *instance, uint32_t k)
{
    return &instance->loop.steps[(instance->loop.oldest_step + k) % MAX_STEPS_IN_FLIGHT];
}

/* There must be one. */
static inline struct batch *instance_newest_step(struct instance *instance)
{
    return instance_step(instance, instance->loop.steps_in_flight - 1);
}

/* A request runs from now on, behind all others; or no longer. */
void instance_add_running(struct instance *instance, uint32_t request);
void instance_remove_running(struct instance *instance, uint32_t request);

/* The engine finds out late that it can never serve the request. */
void instance_add_refused(struct instance *instance, uint32_t request);

/* Why a request can never be served, or NULL: its prompt reaches max_model_len or needs more blocks
 * than there are. */
const char *instance_refusal(const struct instance *instance, const struct request *request);

/* The budget of a request here. */
static inline uint32_t instance_output_limit(const struct instance *instance,
                                             const struct request *request)
{
    return instance->prefills_only ? 1 : request->ask.max_output_tokens;
}

/* Output tokens until the request ends. */
uint32_t instance_tokens_left(const struct instance *instance, const struct request *request);

bool instance_has_work(const struct instance *instance);

#endif
