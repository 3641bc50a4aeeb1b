#include "sim/policy/deadline.h"

#include "sim/policy/policy_time.h"

enum { BASE_S, TOKEN_MS };

static const struct policy_parameter parameters[] = {
    [BASE_S] = {.key = "policy.base_s",
                .value = 10,
                .maximum = 1e9,
                .unit = "s",
                .help = "of the deadline of a request that comes without one: this long after it "
                        "was sent, and"},
    [TOKEN_MS] = {.key = "policy.token_ms",
                  .value = 30,
                  .maximum = 1e6,
                  .unit = "ms",
                  .help = "this long for each output token, as predicted"},
    {.key = NULL},
};

struct state {
    double base_s;
    double token_s;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory =
        (struct state){.base_s = values[BASE_S], .token_s = values[TOKEN_MS] / 1000};
    return NULL;
}

static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    if (request->deadline_ps < INT64_MAX) {
        return policy_seconds(request->deadline_ps);
    }
    return policy_seconds(request->sent_ps) + state->base_s +
           state->token_s * request->predicted_tokens;
}

const struct scheduling_policy policy_deadline = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "deadline",
    .summary = "earliest deadline first",
    .uses = POLICY_USES_PREDICTION | POLICY_USES_DEADLINE,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .victim_key = key,
};
