/* Who watches a run. Each hook may be NULL; what it is given is good during the call only. Steps
 * that only repeat are told of together, by on_repeat. An observer of schedules or steps that has
 * no on_repeat wants to see each of them: only then is the run made step by step. */
#ifndef SIM_SERVING_OBSERVER_H
#define SIM_SERVING_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/step_times.h"

struct batch;
struct instance;
struct request;

struct observer {
    void *state;
    /* A request reaches the front end. */
    void (*on_arrival)(void *state, const struct request *request, int64_t now_ps);
    /* It is given to an instance: with its prompt to compute, or its KV computed elsewhere. */
    void (*on_route)(void *state, const struct request *request, const struct instance *instance,
                     int64_t now_ps);
    /* A scheduling pass is over; its batch may be empty. */
    void (*on_schedule)(void *state, const struct instance *instance, const struct batch *batch,
                        int64_t now_ps);
    /* The pass has preempted a request. */
    void (*on_preempt)(void *state, const struct instance *instance, const struct request *request,
                       int64_t now_ps);
    /* The output of a step is at hand. */
    void (*on_step)(void *state, const struct instance *instance, const struct batch *batch,
                    int64_t now_ps);
    /* So many steps: the output of each comes, and one like it is scheduled, at 'times'. */
    void (*on_repeat)(void *state, const struct instance *instance, const struct step_times *times,
                      uint64_t steps);
    /* A request is finished or was rejected, and will be forgotten. */
    void (*on_finish)(void *state, const struct request *request, int64_t now_ps);
};

/* Borrowed. */
struct observer_list {
    const struct observer *observers;
    size_t count;
};

static inline bool observer_needs_each_step(const struct observer *observer)
{
    return observer->on_repeat == NULL &&
           (observer->on_schedule != NULL || observer->on_step != NULL);
}

#endif
