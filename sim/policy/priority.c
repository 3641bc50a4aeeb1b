#include "sim/policy/priority.h"

/* vLLM 0.24 orders by (priority, arrival time, id); small goes first. */
static bool is_before(const struct scheduler_view *view, uint32_t a, uint32_t b)
{
    struct request_view first = scheduler_view_request(view, a);
    struct request_view second = scheduler_view_request(view, b);
    if (first.priority != second.priority) {
        return first.priority < second.priority;
    }
    return first.sent_ps != second.sent_ps ? first.sent_ps < second.sent_ps : first.id < second.id;
}

/* The worst by (priority, arrival time); among equals the one that runs longest. */
static uint32_t choose_victim(const struct scheduler_view *view)
{
    uint32_t worst = 0;
    struct request_view worst_view = scheduler_view_request(view, scheduler_view_running(view, 0));
    for (uint32_t i = 1; i < scheduler_view_running_count(view); i++) {
        struct request_view one = scheduler_view_request(view, scheduler_view_running(view, i));
        if (one.priority > worst_view.priority ||
            (one.priority == worst_view.priority && one.sent_ps > worst_view.sent_ps)) {
            worst = i;
            worst_view = one;
        }
    }
    return worst;
}

const struct scheduling_policy policy_priority = {
    .name = "priority",
    .summary = "small priority first; the worst priority is preempted",
    .is_before = is_before,
    .choose_victim = choose_victim,
};
