#include "sim/policy/priority.h"

#include "sim/policy/policy_time.h"

enum { AGING_S };

static const struct policy_parameter parameters[] = {
    [AGING_S] = {.key = "policy.aging_s",
                 .maximum = 1e9,
                 .unit = "s",
                 .help = "wait that counts as much as one step of priority; 0: waiting counts "
                         "nothing"},
    {.key = NULL},
};

struct state {
    double aging_s;
};

static const char *init(void *memory, const double *values)
{
    struct state *state = memory;
    state->aging_s = values[AGING_S];
    return NULL;
}

/* vLLM 0.24 orders by (priority, arrival time, id); small goes first. All that wait age alike, so
 * it is enough to count from when each was sent. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    double aged = state->aging_s > 0 ? policy_seconds(request->sent_ps) / state->aging_s : 0;
    return request->priority + aged;
}

static bool displaces(void *memory, const struct policy_view *view,
                      const struct policy_request *waiting, const struct policy_request *running)
{
    (void)memory;
    (void)view;
    return waiting->priority < running->priority;
}

const struct scheduling_policy policy_priority = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "priority",
    .summary = "small priority first; the worst priority is preempted",
    .uses = POLICY_USES_PRIORITY,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .victim_key = key,
};

const struct scheduling_policy policy_preemptive_priority = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "preemptive-priority",
    .summary = "small priority first; a running request makes room for a better one",
    .uses = POLICY_USES_PRIORITY,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .displaces = displaces,
    .victim_key = key,
};
