#include "sim/kv/block_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

#define NOBODY UINT32_MAX

/* The queue of free blocks is a ring through one block beyond the last. */
static void link_between(struct block_cache *cache, uint32_t block, uint32_t previous,
                         uint32_t next)
{
    cache->blocks[block].previous = previous;
    cache->blocks[block].next = next;
    cache->blocks[previous].next = block;
    cache->blocks[next].previous = block;
}

static void unlink_block(struct block_cache *cache, uint32_t block)
{
    const struct cached_block *links = &cache->blocks[block];
    cache->blocks[links->previous].next = links->next;
    cache->blocks[links->next].previous = links->previous;
}

void block_cache_init(struct block_cache *cache, uint32_t block_count, uint32_t block_tokens)
{
    uint32_t buckets = 1;
    memset(cache, 0, sizeof *cache);
    while (buckets < block_count) {
        buckets *= 2;
    }
    cache->block_tokens = block_tokens;
    cache->block_count = block_count;
    cache->blocks = memory_zeroed((size_t)block_count + 1, sizeof cache->blocks[0]);
    cache->buckets = memory_zeroed(buckets, sizeof cache->buckets[0]);
    cache->bucket_mask = buckets - 1;
    memset(cache->buckets, 0xff, buckets * sizeof cache->buckets[0]);
    link_between(cache, block_count, block_count, block_count);
    for (uint32_t i = 0; i < block_count; i++) {
        link_between(cache, i, cache->blocks[block_count].previous, block_count);
    }
}

void block_cache_clear(struct block_cache *cache)
{
    for (uint32_t i = 0; i < cache->list_count; i++) {
        free(cache->lists[i].ids);
    }
    free(cache->lists);
    free(cache->blocks);
    free(cache->buckets);
    memset(cache, 0, sizeof *cache);
}

void block_cache_grow(struct block_cache *cache, uint32_t request_count)
{
    cache->lists =
        memory_grow(cache->lists, &cache->list_capacity, request_count, sizeof cache->lists[0]);
    memset(&cache->lists[cache->list_count], 0,
           (request_count - cache->list_count) * sizeof cache->lists[0]);
    cache->list_count = request_count;
}

/* What block 'index' of a sequence holds follows from the stream of its last token: a stream has
 * one beginning. */
static uint64_t key_of(const struct block_cache *cache, const struct prompt_content *content,
                       uint32_t index)
{
    uint32_t last = (index + 1) * cache->block_tokens - 1;
    return random_bits_at(prompt_content_at(content, last).stream, index);
}

/* The place that names the first block in the bucket that holds 'key', or the place behind the
 * last. */
static uint32_t *find_place(const struct block_cache *cache, uint64_t key)
{
    uint32_t *place = &cache->buckets[key & cache->bucket_mask];
    while (*place != NOBODY && cache->blocks[*place].key != key) {
        place = &cache->blocks[*place].next_alike;
    }
    return place;
}

struct prefix_hit block_cache_find(const struct block_cache *cache,
                                   const struct prompt_content *content, uint32_t most)
{
    struct prefix_hit hit = {0, 0, 0};
    while (hit.blocks < most) {
        uint32_t block = *find_place(cache, key_of(cache, content, hit.blocks));
        if (block == NOBODY) {
            break;
        }
        hit.free += cache->blocks[block].references == 0;
        hit.noted_before +=
            hit.noted_before == hit.blocks && cache->blocks[block].call != cache->call;
        hit.blocks++;
    }
    return hit;
}

static void append(struct block_list *list, uint32_t block)
{
    list->ids =
        memory_grow(list->ids, &list->capacity, (size_t)list->count + 1, sizeof list->ids[0]);
    list->ids[list->count++] = block;
}

void block_cache_share(struct block_cache *cache, uint32_t request,
                       const struct prompt_content *content, uint32_t blocks)
{
    struct block_list *list = &cache->lists[request];
    assert(list->count == 0);
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t block = *find_place(cache, key_of(cache, content, i));
        assert(block != NOBODY);
        if (cache->blocks[block].references++ == 0) {
            unlink_block(cache, block);
        }
        append(list, block);
    }
    list->known = blocks;
}

static void forget(struct block_cache *cache, uint32_t block)
{
    struct cached_block *known = &cache->blocks[block];
    uint32_t *place = find_place(cache, known->key);
    while (*place != block) {
        place = &cache->blocks[*place].next_alike;
    }
    *place = known->next_alike;
    known->is_known = false;
}

void block_cache_take(struct block_cache *cache, uint32_t request, uint32_t blocks)
{
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t block = cache->blocks[cache->block_count].next;
        assert(block != cache->block_count);
        unlink_block(cache, block);
        if (cache->blocks[block].is_known) {
            forget(cache, block);
        }
        cache->blocks[block].references = 1;
        append(&cache->lists[request], block);
    }
}

void block_cache_note(struct block_cache *cache, uint32_t request,
                      const struct prompt_content *content, uint32_t tokens)
{
    struct block_list *list = &cache->lists[request];
    uint32_t full = tokens / cache->block_tokens;
    for (; list->known < full; list->known++) {
        struct cached_block *block = &cache->blocks[list->ids[list->known]];
        block->key = key_of(cache, content, list->known);
        block->is_known = true;
        block->call = cache->call;
        block->next_alike = NOBODY;
        uint32_t *place = find_place(cache, block->key);
        while (*place != NOBODY) {
            place = &cache->blocks[*place].next_alike;
        }
        *place = list->ids[list->known];
    }
}

uint32_t block_cache_release(struct block_cache *cache, uint32_t request)
{
    struct block_list *list = &cache->lists[request];
    uint32_t ends = cache->block_count;
    uint32_t freed = 0;
    while (list->count > 0) {
        uint32_t block = list->ids[--list->count];
        if (--cache->blocks[block].references > 0) {
            continue;
        }
        freed++;
        if (cache->blocks[block].is_known || cache->frees_to_tail) {
            link_between(cache, block, cache->blocks[ends].previous, ends);
        } else {
            link_between(cache, block, ends, cache->blocks[ends].next);
        }
    }
    list->known = 0;
    return freed;
}
