/* Attention over a paged KV cache, pages of 16 tokens, heads of 128 dimensions, grouped queries.
 * K and V pools are [page][16][kv_heads][128]; 'qkv' rows are [heads + 2 kv_heads][128]. */
#ifndef PROFILER_ATTENTION_H
#define PROFILER_ATTENTION_H

#include "profiler/elementwise.h"

enum { PAGE_TOKENS = 16, MOST_SPLITS = 64 };

struct attention_call {
    const bf16 *qkv; /* rows of the step's tokens, those of a request together */
    const void *k_pool;
    const void *v_pool;
    const int *page_table; /* [requests][table_stride] */
    const int *lengths;    /* tokens of each request, those of this step included */
    bf16 *out;             /* [tokens][heads][128] */
    int table_stride;
    int requests;
    int heads;
    int kv_heads;
    int query_tokens; /* of each request in this step */
    kv_type type;
};

/* Few query tokens a request (heads / kv_heads * query_tokens rows): the context is split over the
 * multiprocessors. 'partial' holds attention_partial_floats() floats. */
void attention_decode(const struct attention_call *call, int splits, float *partial,
                      cudaStream_t stream);
size_t attention_partial_floats(const struct attention_call *call, int splits);

/* Splits that fill the GPU for a context of so many tokens. */
int attention_splits(int requests, int kv_heads, int context, int multiprocessors);

/* Many query tokens, causal; the requests' contexts come before them. */
void attention_prefill(const struct attention_call *call, cudaStream_t stream);

/* Prompts through cuDNN too, where it is not NULL. */
struct attention_cudnn;
bool attention_check(struct attention_cudnn *cudnn);

#endif
