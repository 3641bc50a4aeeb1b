#include "sim/policy/longest_first.h"

#include "sim/policy/policy_time.h"

enum { AGING_S };

static const struct policy_parameter parameters[] = {
    [AGING_S] = {.key = "policy.aging_s",
                 .maximum = 1e9,
                 .unit = "s",
                 .help = "wait that counts as much as a thousand tokens more to come; 0: waiting "
                         "counts nothing, and short requests may wait for ever"},
    {.key = NULL},
};

struct state {
    double aging_s;
};

static const char *init(void *memory, const double *values)
{
    ((struct state *)memory)->aging_s = values[AGING_S];
    return NULL;
}

/* What will run longest starts first, so that nothing long is left over at the end (LPT). */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    return policy_age(request, state->aging_s) - policy_tokens_left(request) / 1000;
}

const struct scheduling_policy policy_longest_first = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "longest-first",
    .summary = "the most tokens to come first, as predicted: batches end sooner",
    .uses = POLICY_USES_PREDICTION,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
};
