/* The requests of one step and what prices them. */
#ifndef SIM_SERVING_BATCH_H
#define SIM_SERVING_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cuda_graph { CUDA_GRAPH_FULL, CUDA_GRAPH_PIECEWISE, CUDA_GRAPH_NONE };

/* Sums over a step. A request that runs one token and its drafts is a decode, one that runs more is
 * a prefill. */
struct batch_summary {
    uint32_t decode_requests;
    uint32_t draft_tokens; /* verified, beside one token of each decode */
    uint32_t prefill_requests;
    uint32_t prefill_tokens;
    uint64_t decode_context_tokens;  /* tokens in the KV cache before the step */
    uint64_t decode_context_squares; /* sum of their squares: how unequal they are */
    uint64_t prefill_context_tokens;
    /* Twice the query-key pairs of the prefills: sum of n (2 c + n) over chunks of n tokens that
     * follow c computed ones; half of it is design section 5's prefill attention work. */
    uint64_t prefill_attention_pairs_x2;
    uint32_t swapped_blocks; /* copied to or from the CPU */
    uint32_t padded_tokens;  /* tokens the GPU runs once CUDA graphs have padded them */
    enum cuda_graph cuda_graph;
};

struct batch_entry {
    uint32_t request;
    uint32_t tokens;
    uint32_t cached; /* of 'tokens', found in the cache: no work */
    uint32_t computed_before;
    uint32_t drafts;   /* of 'tokens' */
    uint32_t accepted; /* of 'drafts' */
    bool is_prompt;    /* where an engine tells prompts of one token from decodes */
    bool samples;      /* an output token comes out, and one for each accepted draft */
};

/* Members of the cohort are in the summary, not among the entries (cohort.h). */
struct batch {
    struct batch_entry *entries;
    uint32_t count;
    size_t capacity;
    uint32_t *preempted; /* by the forming of this step */
    uint32_t preempted_count;
    size_t preempted_capacity;
    uint32_t late_slots; /* of requests that have ended meanwhile, freed with its output */
    bool is_taken;       /* its tokens are known, though its ends were not looked at */
    struct batch_summary summary;
    int64_t end_ps; /* when its output is at hand */
};

void batch_init(struct batch *batch);
void batch_clear(struct batch *batch);
void batch_reset(struct batch *batch);                   /* empties it, keeping its memory */
void batch_reserve(struct batch *batch, uint32_t count); /* room for so many entries */
static inline void batch_add(struct batch *batch, struct batch_entry entry)
{
    if (batch->count == batch->capacity) {
        batch_reserve(batch, batch->count + 1);
    }
    batch->entries[batch->count++] = entry;
}
void batch_add_preempted(struct batch *batch, uint32_t request);
/* Takes the request out again; returns the tokens it was to run, 0 when it was not in. */
uint32_t batch_drop(struct batch *batch, uint32_t request);
/* Adds the entries to the summary. */
void batch_summarize(struct batch *batch);

/* Graph and padding of a step (vLLM 0.24, config/vllm.py:_set_cudagraph_sizes): full graphs for
 * pure decode up to the request limit, piecewise up to the largest captured size, none above. With
 * speculation a decode has 'drafts' more tokens, and all must have them for a full graph. */
void batch_summary_choose_graph(struct batch_summary *summary, uint32_t max_batch_requests,
                                uint32_t max_batch_tokens, uint32_t drafts);

static inline uint32_t batch_summary_tokens(const struct batch_summary *summary)
{
    return summary->decode_requests + summary->draft_tokens + summary->prefill_tokens;
}

static inline bool batch_is_empty(const struct batch *batch)
{
    return batch_summary_tokens(&batch->summary) == 0;
}

#endif
