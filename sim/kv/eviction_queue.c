#include "sim/kv/eviction_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void eviction_queue_clear(struct eviction_queue *queue)
{
    free(queue->heap);
    free(queue->slots);
    memset(queue, 0, sizeof *queue);
}

bool eviction_queue_has(const struct eviction_queue *queue, uint32_t node)
{
    return node < queue->slot_count && queue->slots[node] != 0;
}

static bool is_before(const struct eviction_candidate *a, const struct eviction_candidate *b)
{
    return a->used != b->used ? a->used < b->used : a->node < b->node;
}

static void place(struct eviction_queue *queue, uint32_t slot, struct eviction_candidate candidate)
{
    queue->heap[slot] = candidate;
    queue->slots[candidate.node] = slot + 1;
}

/* Fills the hole at 'slot' with the candidate, moving what stands in its way towards the root or
 * away from it. */
static void fill(struct eviction_queue *queue, uint32_t slot, struct eviction_candidate candidate)
{
    while (slot > 0 && is_before(&candidate, &queue->heap[(slot - 1) / 2])) {
        place(queue, slot, queue->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    for (uint32_t child = 2 * slot + 1; child < queue->count; child = 2 * slot + 1) {
        if (child + 1 < queue->count && is_before(&queue->heap[child + 1], &queue->heap[child])) {
            child++;
        }
        if (is_before(&candidate, &queue->heap[child])) {
            break;
        }
        place(queue, slot, queue->heap[child]);
        slot = child;
    }
    place(queue, slot, candidate);
}

static void reserve_slot(struct eviction_queue *queue, uint32_t node)
{
    if (node >= queue->slot_count) {
        queue->slots = memory_grow(queue->slots, &queue->slot_capacity, (size_t)node + 1,
                                   sizeof queue->slots[0]);
        memset(&queue->slots[queue->slot_count], 0,
               (node + 1 - queue->slot_count) * sizeof queue->slots[0]);
        queue->slot_count = node + 1;
    }
}

void eviction_queue_put(struct eviction_queue *queue, uint32_t node, uint64_t used)
{
    reserve_slot(queue, node);
    uint32_t slot = queue->slots[node];
    if (slot == 0) {
        queue->heap = memory_grow(queue->heap, &queue->capacity, (size_t)queue->count + 1,
                                  sizeof queue->heap[0]);
        slot = ++queue->count;
    }
    fill(queue, slot - 1, (struct eviction_candidate){.used = used, .node = node});
    assert(eviction_queue_has(queue, node));
}

void eviction_queue_remove(struct eviction_queue *queue, uint32_t node)
{
    if (!eviction_queue_has(queue, node)) {
        return;
    }
    uint32_t slot = queue->slots[node] - 1;
    assert(queue->heap[slot].node == node);
    queue->slots[node] = 0;
    queue->count--;
    if (slot < queue->count) {
        fill(queue, slot, queue->heap[queue->count]);
    }
}

uint32_t eviction_queue_first(const struct eviction_queue *queue)
{
    assert(queue->count > 0);
    return queue->heap[0].node;
}
