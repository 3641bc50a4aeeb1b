/* What prices a step: sums over the requests of its batch, and how its kernels are launched. */
#ifndef SIM_PRICING_BATCH_SUMMARY_H
#define SIM_PRICING_BATCH_SUMMARY_H

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

static inline uint32_t batch_summary_tokens(const struct batch_summary *summary)
{
    return summary->decode_requests + summary->draft_tokens + summary->prefill_tokens;
}

#endif
