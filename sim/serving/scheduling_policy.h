/* What a policy answers: who goes first among the waiting, whom to preempt. It sees what a real
 * server knows and nothing else. */
#ifndef SIM_SERVING_SCHEDULING_POLICY_H
#define SIM_SERVING_SCHEDULING_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct instance;

struct scheduler_view {
    const struct instance *instance;
};

/* What a server knows of a request. */
struct request_view {
    uint32_t id;
    int64_t sent_ps;
    int32_t priority;
    uint32_t prompt_tokens;
    uint32_t max_output_tokens;
    uint32_t outputs; /* produced so far */
};

struct request_view scheduler_view_request(const struct scheduler_view *view, uint32_t request);
uint32_t scheduler_view_running_count(const struct scheduler_view *view);
uint32_t scheduler_view_running(const struct scheduler_view *view, uint32_t index);

struct scheduling_policy {
    const char *name;
    const char *summary;
    /* True when 'a' goes before 'b' among the waiting. NULL: order of arrival, the preempted in
     * front. */
    bool (*is_before)(const struct scheduler_view *view, uint32_t a, uint32_t b);
    /* Position in the running list of the request to preempt. NULL: the last. */
    uint32_t (*choose_victim)(const struct scheduler_view *view);
};

#endif
