/* Request indices in a ring: push at both ends, pop at the front, ordered insertion. */
#ifndef SIM_SERVING_REQUEST_QUEUE_H
#define SIM_SERVING_REQUEST_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct request_queue {
    uint32_t *ring;
    size_t capacity; /* a power of two, or 0 */
    size_t head;
    size_t count;
};

void request_queue_init(struct request_queue *queue);
void request_queue_clear(struct request_queue *queue);
void request_queue_push_back(struct request_queue *queue, uint32_t request);
void request_queue_push_front(struct request_queue *queue, uint32_t request);
/* Puts 'request' before position 'index' (0 is the front). */
void request_queue_insert(struct request_queue *queue, size_t index, uint32_t request);
uint32_t request_queue_at(const struct request_queue *queue, size_t index);
uint32_t request_queue_pop_front(struct request_queue *queue);
/* Takes out one request that is in the queue. */
void request_queue_remove(struct request_queue *queue, uint32_t request);

#endif
