#include "sim/serving/request_queue.h"

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
    memset(queue, 0, sizeof *queue);
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
    reserve_one(queue);
    queue->count++;
    *slot(queue, queue->count - 1) = request;
}

void request_queue_push_front(struct request_queue *queue, uint32_t request)
{
    reserve_one(queue);
    queue->head = (queue->head + queue->capacity - 1) & (queue->capacity - 1);
    queue->count++;
    *slot(queue, 0) = request;
}

void request_queue_insert(struct request_queue *queue, size_t index, uint32_t request)
{
    assert(index <= queue->count);
    request_queue_push_back(queue, request);
    for (size_t i = queue->count - 1; i > index; i--) {
        *slot(queue, i) = *slot(queue, i - 1);
    }
    *slot(queue, index) = request;
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
    for (; index + 1 < queue->count; index++) {
        *slot(queue, index) = *slot(queue, index + 1);
    }
    queue->count--;
}
