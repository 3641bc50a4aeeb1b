/* How long decode attention takes on the GPU's multiprocessors, in units of KV tiles.
 *
 * FlashAttention 3 cuts the KV cache of each request and KV head into tiles of 128 tokens, splits
 * long ones so that each piece holds at most 1.1 times a multiprocessor's fair share, sorts the
 * pieces by size and hands them out one by one (flash_prepare_scheduler.cu). Its time is that of
 * the last piece to end, not that of the sum: equal contexts can need two rounds where unequal ones
 * of the same sum fill the gaps. */
#ifndef SIM_PRICING_ATTENTION_SCHEDULE_H
#define SIM_PRICING_ATTENTION_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { ATTENTION_TILE_TOKENS = 128 };

/* Beyond its tiles a piece takes as long as so many more: filling the pipeline, writing its part of
 * the result. Its smallest time is this. */
#ifndef ATTENTION_PIECE_TILES
#define ATTENTION_PIECE_TILES 2.0
#endif

struct attention_shape {
    uint32_t kv_heads; /* of one GPU */
    uint32_t multiprocessors;
    uint32_t query_heads; /* of one GPU, where prompts' attention is priced by them; 0: it is not */
};

struct attention_time {
    double tiles;  /* at a fair share of bandwidth, all pieces' own time included */
    bool is_split; /* some context was split, which takes a pass to combine */
};

/* Of contexts that are known one by one. */
struct attention_time attention_schedule_tiles(const struct attention_shape *shape,
                                               const uint32_t *context_tokens, uint32_t requests);

/* What a batch tells of its contexts: their number, sum, and sum of squares. */
struct attention_contexts {
    uint32_t requests;
    uint64_t tokens;
    uint64_t squares;
};

/* Times of kinds of contexts seen before, for one shape; zeroed to begin with. */
struct attention_memo {
    struct attention_memo_entry *entries;
};

void attention_memo_clear(struct attention_memo *memo);

/* Of contexts spread uniformly with the mean and variance of these, equal ones exactly. Means
 * to five bits and thirteen spreads are told apart, so that few need to be played out; which have
 * been does not change the result. 'memo' may be NULL. */
struct attention_time attention_schedule_typical(const struct attention_shape *shape,
                                                 const struct attention_contexts *contexts,
                                                 struct attention_memo *memo);

/* Tiles if the contexts could be spread evenly over all multiprocessors: half a tile is read beyond
 * each context on average. */
double attention_schedule_even(const struct attention_shape *shape, uint32_t requests,
                               uint64_t context_tokens);

#endif
