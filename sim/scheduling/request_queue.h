/* Requests that wait, by their places: a ring in the order in which they were put in, or a heap by
 * the order that each was given. */
#ifndef SIM_SCHEDULING_REQUEST_QUEUE_H
#define SIM_SCHEDULING_REQUEST_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest goes first. */
struct request_order {
    double key;
    int64_t sent_ps; /* where keys are equal */
    uint32_t id;     /* where these are too */
};

struct request_queue {
    uint32_t *ring;
    size_t capacity; /* a power of two, or 0 */
    size_t head;     /* 0 where it is a heap */
    size_t count;
    struct request_order *orders; /* by request; NULL: it is a ring */
    uint32_t order_count;
};

void request_queue_init(struct request_queue *queue);
void request_queue_clear(struct request_queue *queue);
/* An empty queue becomes a heap of requests below 'request_count', or of more of them. */
void request_queue_order(struct request_queue *queue, uint32_t request_count);

/* Into a ring. */
void request_queue_push_back(struct request_queue *queue, uint32_t request);
void request_queue_push_front(struct request_queue *queue, uint32_t request);
/* Into a heap. */
void request_queue_insert(struct request_queue *queue, uint32_t request,
                          struct request_order order);
/* By the orders that both were given when they were last put into the heap. */
bool request_queue_is_before(const struct request_queue *queue, uint32_t a, uint32_t b);

/* In a heap only the front, at index 0, means something. */
uint32_t request_queue_at(const struct request_queue *queue, size_t index);
uint32_t request_queue_pop_front(struct request_queue *queue);
/* Takes out one request that is in the queue. */
void request_queue_remove(struct request_queue *queue, uint32_t request);

#endif
