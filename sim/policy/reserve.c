#include "sim/policy/reserve.h"

#include "sim/policy/policy_time.h"

enum { KV_SHARE, MILESTONE_TOKENS };

static const struct policy_parameter parameters[] = {
    [KV_SHARE] = {.key = "policy.kv_share",
                  .value = 1,
                  .minimum = 0.01,
                  .maximum = 10,
                  .help = "share of the KV blocks that predicted ends of requests may take; above "
                          "1 it is overbooked"},
    [MILESTONE_TOKENS] = {.key = "policy.milestone_tokens",
                          .value = 512,
                          .minimum = 1,
                          .maximum = 1e6,
                          .is_whole = true,
                          .unit = "tokens",
                          .help = "output tokens of a request after which the sum is looked at "
                                  "again"},
    {.key = NULL},
};

struct state {
    double kv_share;
    uint32_t milestone_tokens;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory = (struct state){
        .kv_share = values[KV_SHARE], .milestone_tokens = (uint32_t)values[MILESTONE_TOKENS]};
    return NULL;
}

static uint32_t milestone_tokens(const void *memory)
{
    return ((const struct state *)memory)->milestone_tokens;
}

/* Blocks at its end, as predicted. */
static double blocks_of(const struct policy_view *view, const struct policy_request *request)
{
    return (request->prompt_tokens + request->predicted_tokens) / view->block_tokens + 1;
}

/* With the predictor 'quantile' each has the KV of a long answer set aside; with 'budget' nobody is
 * ever preempted. */
static bool admits(void *memory, const struct policy_view *view,
                   const struct policy_request *request)
{
    const struct state *state = memory;
    double blocks = blocks_of(view, request);
    for (uint32_t i = 0; i < view->running_count; i++) {
        const struct policy_request one = view->running(view, i);
        blocks += blocks_of(view, &one);
    }
    return blocks <= state->kv_share * view->total_blocks;
}

const struct scheduling_policy policy_reserve = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "reserve",
    .summary = "first come, first served, while the KV of all fits at their ends, as predicted",
    .uses = POLICY_USES_PREDICTION,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .milestone_tokens = milestone_tokens,
    .admits = admits,
};
