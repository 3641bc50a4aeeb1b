#include "sim/policy/fair_share.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

enum { OUTPUT_WEIGHT };

static const struct policy_parameter parameters[] = {
    [OUTPUT_WEIGHT] = {.key = "policy.output_weight",
                       .value = 2,
                       .maximum = 1000,
                       .help = "cost of an output token, of which a prompt token costs 1"},
    {.key = NULL},
};

/* Virtual tokens (VTC, Sheng et al. 2024) as start tags: a request stands where its user's service
 * will have got to if all before it cost what is predicted. What it cost
 * instead is settled when it finishes. A user who comes back starts where the service of all
 * stands. */
struct state {
    double output_weight;
    double *next; /* tag of each user's next request */
    size_t users;
    double served; /* the tag admitted last */
};

static const char *init(void *memory, const double *values)
{
    ((struct state *)memory)->output_weight = values[OUTPUT_WEIGHT];
    return NULL;
}

static void clear(void *memory)
{
    free(((struct state *)memory)->next);
}

static double *next_of(struct state *state, uint32_t user)
{
    size_t before = state->users;
    if (user >= before) {
        state->next =
            memory_grow(state->next, &state->users, (size_t)user + 1, sizeof state->next[0]);
        memset(&state->next[before], 0, (state->users - before) * sizeof state->next[0]);
    }
    return &state->next[user];
}

/* A preempted request was charged when it came. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    struct state *state = memory;
    double *next = next_of(state, request->user);
    (void)view;
    if (request->preemptions > 0) {
        return request->key;
    }
    double tag = *next > state->served ? *next : state->served;
    *next = tag + request->prompt_tokens + state->output_weight * request->predicted_tokens;
    return tag;
}

static void on_event(void *memory, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request)
{
    struct state *state = memory;
    (void)view;
    if (event == POLICY_ADMISSION && request->key > state->served) {
        state->served = request->key;
    } else if (event == POLICY_FINISH) {
        double off = request->output_tokens - request->predicted_tokens;
        *next_of(state, request->user) += state->output_weight * off;
    }
}

const struct scheduling_policy policy_fair_share = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "fair-share",
    .summary = "users get equal shares of tokens, whoever sends more waits longer",
    .uses = POLICY_USES_PREDICTION | POLICY_USES_USER,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .clear = clear,
    .key = key,
    .on_event = on_event,
};
