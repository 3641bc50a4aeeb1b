/* What SGLang keeps beside the instance: its slots, the radix tree, and the batches that its
 * scheduler puts together. For sglang.c and sglang_adder.c alone. */
#ifndef SIM_ENGINES_SGLANG_STATE_H
#define SIM_ENGINES_SGLANG_STATE_H

#include "sim/kv/radix_tree.h"
#include "sim/serving/instance.h"

#define SGLANG_NOBODY UINT32_MAX

/* What the scheduler knows of a request beside its counters. */
struct sglang_held {
    uint32_t prefix; /* leading tokens that are the tree's */
    uint32_t node;   /* locked, where they end */
};

/* Members of a batch; SGLANG_NOBODY where one has ended and was not filtered out yet. */
struct sglang_members {
    uint32_t *requests;
    uint32_t count;
    size_t capacity;
};

struct sglang {
    struct radix_tree tree;
    uint64_t free; /* slots in nobody's hands, the tree's aside */
    struct sglang_held *held;
    uint32_t held_count;
    size_t held_capacity;
    struct sglang_members running;
    struct sglang_members last; /* of the prompts that ran last */
    bool last_was_prompts;
    bool none_before; /* the scheduling pass before this one yielded nothing */
    bool is_full;     /* the latch of 'running': nobody is looked at */
    uint32_t chunked; /* the prompt computed in part, or SGLANG_NOBODY */
    double ratio;
};

static inline struct sglang *sglang_state_of(const struct instance *instance)
{
    return instance->engine_state;
}

void sglang_members_add(struct sglang_members *members, uint32_t request);
/* Keeps those that have not ended and are not 'without'; true when any had ended. */
bool sglang_members_filter(struct sglang_members *members, uint32_t without);
void sglang_members_end(struct sglang_members *members, uint32_t request);

/* What others may use: free slots and what the tree can give up. */
uint64_t sglang_available(const struct sglang *state);
void sglang_show_free(struct instance *instance);
void sglang_evict(struct sglang *state, uint64_t tokens);

struct sglang_held *sglang_held_of(struct sglang *state, uint32_t request);

/* cache_unfinished_req: after its prompt, or between chunks. */
void sglang_cache_begun(struct instance *instance, uint32_t request);
/* cache_finished_req: all but the last token, whose KV was never written. */
void sglang_cache_ended(struct instance *instance, uint32_t request);

/* max_new_tokens, cut to what the context and the pool can hold (tp_worker.py). */
uint32_t sglang_output_limit(const struct instance *instance, const struct request *request);

#endif
