#include "sim/policy/slack.h"

#include "sim/policy/policy_time.h"

enum { DEADLINE_S, TOKEN_MS };

static const struct policy_parameter parameters[] = {
    [DEADLINE_S] = {.key = "policy.deadline_s",
                    .value = 120,
                    .maximum = 1e9,
                    .unit = "s",
                    .help = "deadline of a request that comes without one: this long after it was "
                            "sent"},
    [TOKEN_MS] = {.key = "policy.token_ms",
                  .value = 15,
                  .maximum = 1e6,
                  .unit = "ms",
                  .help = "time that an output token takes"},
    {.key = NULL},
};

struct state {
    double deadline_s;
    double token_s;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory =
        (struct state){.deadline_s = values[DEADLINE_S], .token_s = values[TOKEN_MS] / 1000};
    return NULL;
}

/* When it must start at the latest: the slack of all that wait shrinks alike. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    double deadline_s = request->deadline_ps < INT64_MAX
                            ? policy_seconds(request->deadline_ps)
                            : policy_seconds(request->sent_ps) + state->deadline_s;
    return deadline_s - state->token_s * policy_tokens_left(request);
}

const struct scheduling_policy policy_slack = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "least-slack",
    .summary = "the least time between what is to come, as predicted, and the deadline first",
    .uses = POLICY_USES_PREDICTION | POLICY_USES_DEADLINE,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .victim_key = key,
};
