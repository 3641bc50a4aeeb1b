/* What can happen in a run, as data: a typed record that names its subject by index. */
#ifndef SIM_EVENTS_EVENT_H
#define SIM_EVENTS_EVENT_H

#include <stdint.h>

/* At equal times the lower type runs first: a scheduling pass sees every arrival of its instant. Of
 * one type, events of instances run in the order of instances, so that it does not matter when they
 * were pushed; the others in the order in which they were pushed. */
enum event_type {
    EVENT_REQUEST_ARRIVAL, /* subject: request; it reaches the engine's input queue */
    EVENT_KV_ARRIVAL,      /* subject: request; its KV cache reaches where it decodes */
    EVENT_LAUNCH_DONE,     /* subject: instance; a step's launch returned, or its loop started */
    EVENT_STEP_END,        /* subject: instance; the oldest step's output is at hand */
    EVENT_OUTAGE,          /* subject: of the run's outages; an instance fails or is drained */
    EVENT_RETURN,          /* subject: instance; it serves again */
    EVENT_SCALING,         /* the autoscaler looks at the load */
};

struct event {
    int64_t at_ps;
    uint64_t sequence; /* set by the queue: breaks ties of time and type */
    enum event_type type;
    uint32_t subject;
    uint32_t epoch; /* of the subject; an event of an older epoch is skipped */
};

#endif
