/* Blocks with an identity, for prefix caching: full blocks are known by what they hold and stay,
 * free, until they are handed out again. The order of handing out is vLLM's: blocks that hold
 * nothing known first, then the least recently used, of a sequence its end before its beginning. */
#ifndef SIM_KV_BLOCK_CACHE_H
#define SIM_KV_BLOCK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/kv/prompt_content.h"

struct cached_block {
    uint64_t key;
    uint32_t references;
    uint32_t previous; /* in the queue of free blocks */
    uint32_t next;
    uint32_t next_alike; /* in its bucket, first come first */
    bool is_known;       /* 'key' says what it holds */
    uint32_t call;       /* of the scheduler that noted it */
};

/* The blocks of one request, in order. */
struct block_list {
    uint32_t *ids;
    uint32_t count;
    size_t capacity;
    uint32_t known; /* leading ones whose content has been noted */
};

struct block_cache {
    uint32_t block_tokens;
    uint32_t block_count;
    bool frees_to_tail;          /* also blocks that hold nothing known */
    struct cached_block *blocks; /* one more than there are: the queue's ends */
    uint32_t *buckets;           /* by key */
    uint32_t bucket_mask;
    uint32_t call;            /* of the scheduler, where that matters */
    struct block_list *lists; /* by request */
    uint32_t list_count;
    size_t list_capacity;
};

/* Blocks found for a beginning. */
struct prefix_hit {
    uint32_t blocks;
    uint32_t free;         /* of them in the queue of free blocks */
    uint32_t noted_before; /* leading ones, noted before the current call */
};

void block_cache_init(struct block_cache *cache, uint32_t block_count, uint32_t block_tokens);
void block_cache_clear(struct block_cache *cache);
void block_cache_grow(struct block_cache *cache, uint32_t request_count);

/* The longest chain of known blocks that 'content' begins with, at most 'most'. */
struct prefix_hit block_cache_find(const struct block_cache *cache,
                                   const struct prompt_content *content, uint32_t most);

/* The request, which holds none, takes its first 'blocks' from what block_cache_find found. */
void block_cache_share(struct block_cache *cache, uint32_t request,
                       const struct prompt_content *content, uint32_t blocks);

/* Hands the request so many blocks more; they must be free. */
void block_cache_take(struct block_cache *cache, uint32_t request, uint32_t blocks);

/* The request's blocks hold the first 'tokens' tokens of 'content'. */
void block_cache_note(struct block_cache *cache, uint32_t request,
                      const struct prompt_content *content, uint32_t tokens);

/* The request gives its blocks back; returns how many of them nobody else holds. */
uint32_t block_cache_release(struct block_cache *cache, uint32_t request);

#endif
