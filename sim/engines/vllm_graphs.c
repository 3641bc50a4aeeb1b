#include "sim/engines/vllm_graphs.h"

#include <stdbool.h>

#include "sim/base/smaller.h"

/* Captured sizes: 1, 2, 4, then multiples of 8 up to 248, then of 16, and the largest itself. */
static uint32_t padded_size(uint32_t tokens, uint32_t largest)
{
    if (tokens <= 2) {
        return tokens;
    }
    uint32_t size = tokens <= 4     ? 4
                    : tokens <= 248 ? (tokens + 7) / 8 * 8
                                    : (tokens + 15) / 16 * 16;
    return smaller(size, largest);
}

void batch_summary_choose_graph(struct batch_summary *summary, uint32_t max_batch_requests,
                                uint32_t max_batch_tokens, uint32_t drafts)
{
    uint32_t rows = max_batch_requests * (1 + drafts);
    uint32_t largest = smaller(smaller(2 * rows, 512), max_batch_tokens);
    uint32_t tokens = batch_summary_tokens(summary);
    if (tokens > largest) {
        summary->cuda_graph = CUDA_GRAPH_NONE;
        summary->padded_tokens = tokens;
        return;
    }
    summary->padded_tokens = padded_size(tokens, largest);
    bool uniform = summary->prefill_requests == 0 &&
                   summary->draft_tokens == summary->decode_requests * drafts;
    summary->cuda_graph =
        uniform && summary->padded_tokens <= rows ? CUDA_GRAPH_FULL : CUDA_GRAPH_PIECEWISE;
}
