/* The nodes of a radix tree that may be evicted, the one used least recently first; of those used
 * at the same time the one with the lower number. */
#ifndef SIM_KV_EVICTION_QUEUE_H
#define SIM_KV_EVICTION_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eviction_candidate {
    uint64_t used; /* when last, by the tree's clock */
    uint32_t node;
};

/* A binary heap that knows where each node stands in it. All zero: empty. */
struct eviction_queue {
    struct eviction_candidate *heap;
    uint32_t count;
    size_t capacity;
    uint32_t *slots; /* by node: its slot in the heap plus 1; 0 when it is not queued */
    uint32_t slot_count;
    size_t slot_capacity;
};

void eviction_queue_clear(struct eviction_queue *queue);

bool eviction_queue_has(const struct eviction_queue *queue, uint32_t node);

/* Queues the node, or moves it to where 'used' puts it. */
void eviction_queue_put(struct eviction_queue *queue, uint32_t node, uint64_t used);

/* Takes the node out; nothing changes when it is not queued. */
void eviction_queue_remove(struct eviction_queue *queue, uint32_t node);

/* The node to evict first, which stays queued; the queue must not be empty. */
uint32_t eviction_queue_first(const struct eviction_queue *queue);

#endif
