/* Pending events in a binary heap, by value. Total order: time, then type, then
 * instance or, of other events, insertion. */
#ifndef SIM_EVENTS_EVENT_QUEUE_H
#define SIM_EVENTS_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/events/event.h"

struct event_queue {
    struct event *heap;
    size_t count; /* in the heap */
    size_t capacity;
    uint64_t next_sequence;
    struct event newest; /* of an instance, beside the heap: most often it is the next */
    bool has_newest;
};

void event_queue_init(struct event_queue *queue);
void event_queue_clear(struct event_queue *queue);
void event_queue_push(struct event_queue *queue, struct event event);
/* Takes the earliest event; false when there is none. */
bool event_queue_pop(struct event_queue *queue, struct event *ret_event);

#endif
