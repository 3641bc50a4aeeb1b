#include "sim/kv/kv_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void kv_cache_init(struct kv_cache *cache, uint32_t total_blocks, uint32_t block_tokens,
                   uint32_t request_count)
{
    assert(block_tokens > 0);
    cache->block_tokens = block_tokens;
    cache->total_blocks = total_blocks;
    cache->free_blocks = total_blocks;
    cache->request_count = 0;
    cache->capacity = 0;
    cache->held_blocks = NULL;
    cache->has_identity = false;
    kv_cache_grow(cache, request_count);
}

void kv_cache_identify_blocks(struct kv_cache *cache)
{
    assert(cache->free_blocks == cache->total_blocks);
    cache->has_identity = true;
    block_cache_init(&cache->blocks, cache->total_blocks, cache->block_tokens);
    block_cache_grow(&cache->blocks, cache->request_count);
}

void kv_cache_grow(struct kv_cache *cache, uint32_t request_count)
{
    assert(request_count >= cache->request_count);
    cache->held_blocks = memory_grow(cache->held_blocks, &cache->capacity, request_count,
                                     sizeof cache->held_blocks[0]);
    memset(cache->held_blocks + cache->request_count, 0,
           (request_count - cache->request_count) * sizeof cache->held_blocks[0]);
    cache->request_count = request_count;
    if (cache->has_identity) {
        block_cache_grow(&cache->blocks, request_count);
    }
}

void kv_cache_clear(struct kv_cache *cache)
{
    if (cache->has_identity) {
        block_cache_clear(&cache->blocks);
    }
    free(cache->held_blocks);
    memset(cache, 0, sizeof *cache);
}

uint32_t kv_cache_blocks_for(const struct kv_cache *cache, uint64_t tokens)
{
    return (uint32_t)((tokens + cache->block_tokens - 1) / cache->block_tokens);
}

uint32_t kv_cache_missing_blocks(const struct kv_cache *cache, uint32_t request, uint64_t tokens)
{
    assert(request < cache->request_count);
    uint32_t needed = kv_cache_blocks_for(cache, tokens);
    uint32_t held = cache->held_blocks[request];
    return needed > held ? needed - held : 0;
}

void kv_cache_allocate(struct kv_cache *cache, uint32_t request, uint32_t blocks)
{
    assert(request < cache->request_count && blocks <= cache->free_blocks);
    cache->free_blocks -= blocks;
    cache->held_blocks[request] += blocks;
    if (cache->has_identity) {
        block_cache_take(&cache->blocks, request, blocks);
    }
}

void kv_cache_share(struct kv_cache *cache, uint32_t request, const struct prompt_content *content,
                    struct prefix_hit hit)
{
    assert(request < cache->request_count && cache->held_blocks[request] == 0);
    cache->free_blocks -= hit.free;
    cache->held_blocks[request] = hit.blocks;
    block_cache_share(&cache->blocks, request, content, hit.blocks);
}

void kv_cache_take(struct kv_cache *cache, uint32_t blocks)
{
    assert(blocks <= cache->free_blocks);
    cache->free_blocks -= blocks;
}

void kv_cache_commit(struct kv_cache *cache, uint32_t request, uint64_t tokens,
                     uint32_t blocks_at_a_time)
{
    uint32_t missing = kv_cache_missing_blocks(cache, request, tokens);
    uint32_t times = (missing + blocks_at_a_time - 1) / blocks_at_a_time;
    cache->held_blocks[request] += times * blocks_at_a_time;
}

void kv_cache_set_free(struct kv_cache *cache, uint32_t blocks)
{
    assert(blocks <= cache->total_blocks);
    cache->free_blocks = blocks;
}

void kv_cache_hold(struct kv_cache *cache, uint32_t request, uint32_t blocks)
{
    assert(request < cache->request_count);
    cache->held_blocks[request] = blocks;
}

void kv_cache_free_blocks(struct kv_cache *cache, uint32_t request)
{
    assert(request < cache->request_count);
    cache->free_blocks += cache->has_identity ? block_cache_release(&cache->blocks, request)
                                              : cache->held_blocks[request];
    cache->held_blocks[request] = 0;
    assert(cache->free_blocks <= cache->total_blocks);
}

double kv_cache_utilization(const struct kv_cache *cache)
{
    return 1.0 - (double)cache->free_blocks / cache->total_blocks;
}
