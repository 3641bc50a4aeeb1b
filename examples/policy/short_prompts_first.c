/* A scheduling policy of your own: requests with short prompts start first, but no wait is for
 * ever.
 *
 *   cc -shared -fPIC -I. -o short_prompts_first.so examples/policy/short_prompts_first.c
 *   kvcast run --policy ./short_prompts_first.so --set policy.patience_s=5
 *
 * Run the first line where sim/scheduling/scheduling_policy.h can be found; it is all that a policy
 * needs, and says what else one may answer. */
#include "sim/scheduling/scheduling_policy.h"

/* What can be set: --set policy.patience_s=5. 'kvcast run' refuses what is out of range. */
static const struct policy_parameter parameters[] = {
    {.key = "policy.patience_s",
     .value = 10,
     .minimum = 0.001,
     .maximum = 3600,
     .unit = "s",
     .help = "wait that counts as much as a thousand prompt tokens less"},
    {.key = NULL},
};

/* What the policy keeps, for each instance of its own. It starts with zeros. */
struct state {
    double patience_s;
    uint64_t started; /* requests */
};

static const char *init(void *memory, const double *values)
{
    struct state *state = memory;
    state->patience_s = values[0];
    return NULL; /* or a text that says what is wrong with the values */
}

/* The smallest key starts first. A key is asked for when a request joins the waiting, and stands
 * while it waits. Waits grow alike for all, so that the time of sending is enough. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    double sent_s = (double)request->sent_ps * 1e-12;
    (void)view;
    return request->prompt_tokens / 1000.0 + sent_s / state->patience_s;
}

/* Told of arrivals, starts, milestones, preemptions and ends. */
static void on_event(void *memory, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request)
{
    struct state *state = memory;
    (void)view;
    (void)request;
    state->started += event == POLICY_ADMISSION;
}

const struct scheduling_policy kvcast_policy = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "short-prompts-first",
    .summary = "short prompts first, and no wait for ever",
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .on_event = on_event,
};
