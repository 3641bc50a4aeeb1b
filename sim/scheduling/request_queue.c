#include "sim/scheduling/request_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void request_queue_init(struct request_queue *queue)
{
    memset(queue, 0, sizeof *queue);
}

void request_queue_clear(struct request_queue *queue)
{
    free(queue->ring);
    free(queue->orders);
    memset(queue, 0, sizeof *queue);
}

void request_queue_order(struct request_queue *queue, uint32_t request_count)
{
    assert(queue->count == 0 || queue->orders != NULL);
    size_t capacity = queue->order_count;
    queue->orders =
        memory_grow(queue->orders, &capacity, (size_t)request_count + 1, sizeof queue->orders[0]);
    memset(&queue->orders[queue->order_count], 0,
           (capacity - queue->order_count) * sizeof queue->orders[0]);
    queue->order_count = (uint32_t)capacity;
}

static uint32_t *slot(const struct request_queue *queue, size_t index)
{
    return &queue->ring[(queue->head + index) & (queue->capacity - 1)];
}

static void reserve_one(struct request_queue *queue)
{
    if (queue->count < queue->capacity) {
        return;
    }
    size_t capacity = queue->capacity > 0 ? 2 * queue->capacity : 64;
    uint32_t *ring = memory_zeroed(capacity, sizeof ring[0]);
    for (size_t i = 0; i < queue->count; i++) {
        ring[i] = *slot(queue, i);
    }
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
}

void request_queue_push_back(struct request_queue *queue, uint32_t request)
{
    assert(queue->orders == NULL);
    reserve_one(queue);
    queue->count++;
    *slot(queue, queue->count - 1) = request;
}

void request_queue_push_front(struct request_queue *queue, uint32_t request)
{
    assert(queue->orders == NULL);
    reserve_one(queue);
    queue->head = (queue->head + queue->capacity - 1) & (queue->capacity - 1);
    queue->count++;
    *slot(queue, 0) = request;
}

bool request_queue_is_before(const struct request_queue *queue, uint32_t a, uint32_t b)
{
    assert(a < queue->order_count && b < queue->order_count);
    const struct request_order *first = &queue->orders[a];
    const struct request_order *second = &queue->orders[b];
    if (first->key < second->key || first->key > second->key) {
        return first->key < second->key;
    }
    return first->sent_ps != second->sent_ps ? first->sent_ps < second->sent_ps
                                             : first->id < second->id;
}

/* Moves the hole at 'index' up to where the request belongs, and puts it there. */
static void sift_up(struct request_queue *queue, size_t index, uint32_t request)
{
    while (index > 0 && request_queue_is_before(queue, request, queue->ring[(index - 1) / 2])) {
        queue->ring[index] = queue->ring[(index - 1) / 2];
        index = (index - 1) / 2;
    }
    queue->ring[index] = request;
}

/* The hole at 'index' is filled from below, then by the last request. */
static void close_hole(struct request_queue *queue, size_t index)
{
    uint32_t last = queue->ring[--queue->count];
    for (size_t child = 2 * index + 1; child < queue->count; child = 2 * index + 1) {
        if (child + 1 < queue->count &&
            request_queue_is_before(queue, queue->ring[child + 1], queue->ring[child])) {
            child++;
        }
        queue->ring[index] = queue->ring[child];
        index = child;
    }
    if (index < queue->count) {
        sift_up(queue, index, last);
    }
}

void request_queue_insert(struct request_queue *queue, uint32_t request, struct request_order order)
{
    assert(request < queue->order_count && order.key == order.key);
    reserve_one(queue);
    queue->orders[request] = order;
    sift_up(queue, queue->count++, request);
}

uint32_t request_queue_at(const struct request_queue *queue, size_t index)
{
    assert(index < queue->count);
    return *slot(queue, index);
}

uint32_t request_queue_pop_front(struct request_queue *queue)
{
    assert(queue->count > 0);
    uint32_t request = *slot(queue, 0);
    if (queue->orders != NULL) {
        close_hole(queue, 0);
        return request;
    }
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
    return request;
}

void request_queue_remove(struct request_queue *queue, uint32_t request)
{
    size_t index = 0;
    while (request_queue_at(queue, index) != request) {
        index++;
    }
    if (queue->orders != NULL) {
        close_hole(queue, index);
        return;
    }
    for (; index + 1 < queue->count; index++) {
        *slot(queue, index) = *slot(queue, index + 1);
    }
    queue->count--;
}
