#include "sim/policy/difficulty.h"

enum { HARD_TOKENS, HARD_SHARE };

static const struct policy_parameter parameters[] = {
    [HARD_TOKENS] = {.key = "policy.hard_tokens",
                     .value = 4096,
                     .minimum = 1,
                     .maximum = 1e7,
                     .unit = "tokens",
                     .help = "predicted output from which on a question is hard"},
    [HARD_SHARE] = {.key = "policy.hard_share",
                    .value = 0.5,
                    .minimum = 0.01,
                    .maximum = 0.99,
                    .help = "share of the tokens that hard questions get while both kinds wait"},
    {.key = NULL},
};

enum { EASY, HARD, KINDS };

/* Two queues with shares, by start tags of fair queueing: each kind's tags rise by what it costs
 * over its share, and a kind of which nobody waited starts where the service of the other stands.
 */
struct state {
    double hard_tokens;
    double share[KINDS];
    double next[KINDS];
    double served; /* the tag admitted last */
};

static const char *init(void *memory, const double *values)
{
    struct state *state = memory;
    state->hard_tokens = values[HARD_TOKENS];
    state->share[HARD] = values[HARD_SHARE];
    state->share[EASY] = 1 - values[HARD_SHARE];
    return NULL;
}

static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    struct state *state = memory;
    int kind = request->predicted_tokens >= state->hard_tokens ? HARD : EASY;
    (void)view;
    if (request->preemptions > 0) {
        return request->key;
    }
    double tag = state->next[kind] > state->served ? state->next[kind] : state->served;
    double cost = request->prompt_tokens + request->predicted_tokens;
    state->next[kind] = tag + cost / state->share[kind];
    return tag;
}

static void on_event(void *memory, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request)
{
    struct state *state = memory;
    (void)view;
    if (event == POLICY_ADMISSION && request->key > state->served) {
        state->served = request->key;
    }
}

const struct scheduling_policy policy_difficulty = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "difficulty",
    .summary = "hard and easy questions, by predicted length, each get their share of the tokens",
    .uses = POLICY_USES_PREDICTION,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
    .on_event = on_event,
};
