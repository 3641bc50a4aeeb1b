/* The KV block pool of an instance and how many blocks each request holds. Only this module moves
 * blocks; used + free = total at all times. */
#ifndef SIM_KV_KV_CACHE_H
#define SIM_KV_KV_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/kv/block_cache.h"

struct kv_cache {
    uint32_t block_tokens;
    uint32_t total_blocks; /* that requests can hold */
    uint32_t free_blocks;
    uint32_t *held_blocks; /* by request */
    uint32_t request_count;
    size_t capacity;
    bool has_identity; /* blocks are known by what they hold: prefix caching */
    struct block_cache blocks;
};

void kv_cache_init(struct kv_cache *cache, uint32_t total_blocks, uint32_t block_tokens,
                   uint32_t request_count);
/* From the start on, blocks are known by what they hold. */
void kv_cache_identify_blocks(struct kv_cache *cache);
/* Room for more requests. */
void kv_cache_grow(struct kv_cache *cache, uint32_t request_count);
void kv_cache_clear(struct kv_cache *cache);

/* Blocks that hold 'tokens' tokens. */
uint32_t kv_cache_blocks_for(const struct kv_cache *cache, uint64_t tokens);

/* True when the request's blocks hold 'tokens' tokens. */
static inline bool kv_cache_holds(const struct kv_cache *cache, uint32_t request, uint64_t tokens)
{
    return (uint64_t)cache->held_blocks[request] * cache->block_tokens >= tokens;
}

/* Blocks the request lacks to hold 'tokens' tokens. */
uint32_t kv_cache_missing_blocks(const struct kv_cache *cache, uint32_t request, uint64_t tokens);

/* Gives the request 'blocks' more; they must be free. */
void kv_cache_allocate(struct kv_cache *cache, uint32_t request, uint32_t blocks);

/* The request, which holds none, takes what block_cache_find found. */
void kv_cache_share(struct kv_cache *cache, uint32_t request, const struct prompt_content *content,
                    struct prefix_hit hit);

/* For requests that all decode: takes blocks now and says only later who holds them
 * (decode_group.h). */
void kv_cache_take(struct kv_cache *cache, uint32_t blocks);
/* The request holds what it needs for 'tokens' tokens, taken before, so many blocks at a time. */
void kv_cache_commit(struct kv_cache *cache, uint32_t request, uint64_t tokens,
                     uint32_t blocks_at_a_time);

/* For engines with a cache of their own: how many are free, how many the request uses. */
void kv_cache_set_free(struct kv_cache *cache, uint32_t blocks);
void kv_cache_hold(struct kv_cache *cache, uint32_t request, uint32_t blocks);

/* Takes back all blocks of the request. */
void kv_cache_free_blocks(struct kv_cache *cache, uint32_t request);

double kv_cache_utilization(const struct kv_cache *cache); /* used / total, 0 to 1 */

#endif
