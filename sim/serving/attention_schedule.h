/* How long decode attention takes on the GPU's multiprocessors, in units of KV tiles.
 *
 * FlashAttention 3 cuts the KV cache of each request and KV head into tiles of 128 tokens, splits
 * long ones so that each piece holds at most 1.1 times a multiprocessor's fair share, sorts the
 * pieces by size and hands them out one by one (flash_prepare_scheduler.cu). Its time is that of
 * the last piece to end, not that of the sum: equal contexts can need two rounds where unequal ones
 * of the same sum fill the gaps. A multiprocessor that has the memory bus to itself reads at most
 * twice as fast as with all others busy. */
#ifndef SIM_SERVING_ATTENTION_SCHEDULE_H
#define SIM_SERVING_ATTENTION_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum { ATTENTION_TILE_TOKENS = 128 };

struct attention_shape {
    uint32_t kv_heads; /* of one GPU */
    uint32_t multiprocessors;
};

/* Duration in tiles at a fair share of bandwidth; '*ret_is_split' tells whether any request was
 * split, which costs a pass to combine. */
double attention_schedule_tiles(const struct attention_shape *shape, const uint32_t *context_tokens,
                                uint32_t requests, bool *ret_is_split);

/* The same for equal contexts that sum to 'context_tokens', in closed form. */
double attention_schedule_equal(const struct attention_shape *shape, uint32_t requests,
                                uint64_t context_tokens, bool *ret_is_split);

/* Tiles if the contexts could be spread evenly over all multiprocessors: half a tile is read beyond
 * each context on average. */
double attention_schedule_even(const struct attention_shape *shape, uint32_t requests,
                               uint64_t context_tokens);

/* How much longer unequal contexts take than if spread evenly: mean over contexts uniform between 5
 * and 195 % of a long mean, by a fixed seed. */
double attention_schedule_imbalance(const struct attention_shape *shape, uint32_t requests);

#endif
