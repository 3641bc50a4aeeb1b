#include "sim/events/event_queue.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void event_queue_init(struct event_queue *queue)
{
    memset(queue, 0, sizeof *queue);
}

void event_queue_clear(struct event_queue *queue)
{
    free(queue->heap);
    memset(queue, 0, sizeof *queue);
}

static bool is_before(const struct event *a, const struct event *b)
{
    if (a->at_ps != b->at_ps) {
        return a->at_ps < b->at_ps;
    }
    return a->type != b->type ? a->type < b->type : a->sequence < b->sequence;
}

static void add_to_heap(struct event_queue *queue, const struct event *event)
{
    if (queue->count == queue->capacity) {
        queue->heap =
            memory_grow(queue->heap, &queue->capacity, queue->count + 1, sizeof queue->heap[0]);
    }
    size_t hole = queue->count++;
    while (hole > 0 && is_before(event, &queue->heap[(hole - 1) / 2])) {
        queue->heap[hole] = queue->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    queue->heap[hole] = *event;
}

void event_queue_push(struct event_queue *queue, struct event event)
{
    bool of_instance = event.type == EVENT_LAUNCH_DONE || event.type == EVENT_STEP_END;
    event.sequence = of_instance ? event.subject : queue->next_sequence++;
    if (!of_instance) {
        add_to_heap(queue, &event);
        return;
    }
    if (queue->has_newest) {
        add_to_heap(queue, &queue->newest);
    }
    queue->newest = event;
    queue->has_newest = true;
}

/* The event pushed last by an instance comes before all others. */
static bool is_newest_first(const struct event_queue *queue)
{
    return queue->has_newest && (queue->count == 0 || is_before(&queue->newest, &queue->heap[0]));
}

bool event_queue_pop(struct event_queue *queue, struct event *ret_event)
{
    if (is_newest_first(queue)) {
        *ret_event = queue->newest;
        queue->has_newest = false;
        return true;
    }
    if (queue->count == 0) {
        return false;
    }
    *ret_event = queue->heap[0];
    struct event last = queue->heap[--queue->count];
    size_t hole = 0;
    for (size_t child = 1; child < queue->count; child = 2 * hole + 1) {
        if (child + 1 < queue->count && is_before(&queue->heap[child + 1], &queue->heap[child])) {
            child++;
        }
        if (is_before(&last, &queue->heap[child])) {
            break;
        }
        queue->heap[hole] = queue->heap[child];
        hole = child;
    }
    queue->heap[hole] = last;
    return true;
}
