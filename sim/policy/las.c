#include "sim/policy/las.h"

enum { QUANTUM_TOKENS };

static const struct policy_parameter parameters[] = {
    [QUANTUM_TOKENS] = {.key = "policy.quantum_tokens",
                        .value = 1024,
                        .minimum = 1,
                        .maximum = 1e6,
                        .is_whole = true,
                        .unit = "tokens",
                        .help =
                            "output tokens by which a running request is ahead of a waiting one "
                            "when it is displaced"},
    {.key = NULL},
};

struct state {
    uint32_t quantum_tokens;
};

static const char *init(void *memory, const double *values)
{
    ((struct state *)memory)->quantum_tokens = (uint32_t)values[QUANTUM_TOKENS];
    return NULL;
}

static uint32_t milestone_tokens(const void *memory)
{
    return ((const struct state *)memory)->quantum_tokens;
}

static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    (void)memory;
    (void)view;
    return request->output_tokens;
}

static bool displaces(void *memory, const struct policy_view *view,
                      const struct policy_request *waiting, const struct policy_request *running)
{
    const struct state *state = memory;
    (void)view;
    return running->output_tokens >= waiting->output_tokens + state->quantum_tokens;
}

const struct scheduling_policy policy_las = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "las",
    .summary = "least attained service: the fewest output tokens so far first; needs no lengths",
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .milestone_tokens = milestone_tokens,
    .key = key,
    .displaces = displaces,
};
