#include "sim/policy/srpt.h"

#include "sim/policy/policy_time.h"

enum { GAIN_TOKENS, RECOMPUTES, MILESTONE_TOKENS };

static const struct policy_parameter parameters[] = {
    [GAIN_TOKENS] = {.key = "policy.gain_tokens",
                     .value = 256,
                     .maximum = 1e7,
                     .unit = "tokens",
                     .help = "fewer tokens to come by which a waiting request displaces a running "
                             "one, beside a hundredth of those computed again"},
    [RECOMPUTES] = {.key = "policy.max_preemptions",
                    .value = 3,
                    .maximum = 1e6,
                    .is_whole = true,
                    .help = "times that a request is displaced at most"},
    [MILESTONE_TOKENS] = {.key = "policy.milestone_tokens",
                          .value = 256,
                          .minimum = 1,
                          .maximum = 1e6,
                          .is_whole = true,
                          .unit = "tokens",
                          .help = "output tokens of a request after which it is compared again"},
    {.key = NULL},
};

struct state {
    double gain_tokens;
    uint32_t max_preemptions;
    uint32_t milestone_tokens;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory =
        (struct state){.gain_tokens = values[GAIN_TOKENS],
                       .max_preemptions = (uint32_t)values[RECOMPUTES],
                       .milestone_tokens = (uint32_t)values[MILESTONE_TOKENS]};
    return NULL;
}

static uint32_t milestone_tokens(const void *memory)
{
    return ((const struct state *)memory)->milestone_tokens;
}

static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    (void)memory;
    (void)view;
    return policy_tokens_left(request);
}

/* What the running one has computed is lost with it: prompts are computed about a hundred times
 * faster than answers. */
static bool displaces(void *memory, const struct policy_view *view,
                      const struct policy_request *waiting, const struct policy_request *running)
{
    const struct state *state = memory;
    (void)view;
    double lost = ((double)running->prompt_tokens + running->output_tokens) / 100;
    return running->preemptions < state->max_preemptions &&
           policy_tokens_left(waiting) + state->gain_tokens + lost < policy_tokens_left(running);
}

const struct scheduling_policy policy_srpt = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "srpt",
    .summary = "shortest remaining time first: preempts what has more tokens to come, as predicted",
    .uses = POLICY_USES_PREDICTION,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .milestone_tokens = milestone_tokens,
    .key = key,
    .displaces = displaces,
    .victim_key = key,
};
