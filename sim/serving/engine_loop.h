/* The loop of an engine on one instance: schedule a step, price it, wait, take its output in. It
 * knows nothing of other instances, clients or events: each call says what it came to and for what
 * the loop waits next. */
#ifndef SIM_SERVING_ENGINE_LOOP_H
#define SIM_SERVING_ENGINE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/events/event.h"

struct instance;

/* What has happened. The lists are the instance's and good until its next call. */
struct loop_result {
    bool waits;           /* for an event of its own, instead of the one before if there is one */
    enum event_type next; /* EVENT_LAUNCH_DONE or EVENT_STEP_END */
    int64_t next_ps;
    int64_t seen_ps;          /* when the client has the last tokens of those that are done */
    const uint32_t *finished; /* requests; where the instance only prefills, their prompts are */
    uint32_t finished_count;
    const uint32_t *refused; /* that the engine finds it can never serve */
    uint32_t refused_count;
};

/* A request reaches the instance, which has caught up. */
struct loop_result engine_loop_on_request(struct instance *instance, uint32_t request,
                                          int64_t now_ps);

/* The launch of a step has returned, or an idle loop has started. */
struct loop_result engine_loop_on_launch_done(struct instance *instance, int64_t now_ps);

/* The output of the oldest step is at hand. */
struct loop_result engine_loop_on_step_end(struct instance *instance, int64_t now_ps);

/* Makes the planned steps that come before 'end_ps', so that the instance is as it is then. Where
 * nothing is planned, nothing happens and it waits for the same event as before. */
struct loop_result engine_loop_catch_up(struct instance *instance, int64_t end_ps);

/* The instance, which has caught up, ends and starts anew. Writes the requests that it had, of
 * which there is room for all, and returns how many; they are evicted. */
uint32_t engine_loop_restart(struct instance *instance, uint32_t *ret_requests, int64_t now_ps);

/* True when the instance preempts and recomputes in circles without producing a token, as the real
 * scheduler can when prompts that do not fit together are admitted in part. */
bool engine_loop_is_stalled(const struct instance *instance);

#endif
