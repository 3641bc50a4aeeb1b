/* A run as trace events, the JSON that Perfetto and Chrome's about:tracing open: a process for each
 * instance, a slice for each request with its phases within (queued, prefill, thinking, answer,
 * preempted), and counters. Requests at the same time lie on different tracks, and tracks are used
 * again. It is an observer; steps that repeat stay together. */
#ifndef SIM_CLUSTER_TRACE_EVENTS_H
#define SIM_CLUSTER_TRACE_EVENTS_H

#include <stdio.h>

#include "sim/serving/observer.h"

struct trace_events;

/* Writes to 'stream'. 'dataset_names' are those of requests, by index; NULL: none are written. Both
 * are borrowed. */
struct trace_events *trace_events_create(FILE *stream, const char *const *dataset_names);
void trace_events_destroy(struct trace_events *events); /* NULL is fine */

/* To be given to the run; refers to the events. */
struct observer trace_events_observer(struct trace_events *events);

/* After the run: what is still to be written. */
void trace_events_finish(struct trace_events *events);

#endif
