#include "sim/policy/length_batches.h"

#include <math.h>

#include "sim/policy/policy_time.h"

enum { AGING_S, BASE_TOKENS };

static const struct policy_parameter parameters[] = {
    [AGING_S] = {.key = "policy.aging_s",
                 .value = 60,
                 .maximum = 1e9,
                 .unit = "s",
                 .help = "wait that counts as much as one class of length; 0: waiting counts "
                         "nothing"},
    [BASE_TOKENS] = {.key = "policy.base_tokens",
                     .value = 256,
                     .minimum = 1,
                     .maximum = 1e6,
                     .unit = "tokens",
                     .help = "longest answer of the first class; each further class is twice as "
                             "long"},
    {.key = NULL},
};

struct state {
    double aging_s;
    double base_tokens;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory =
        (struct state){.aging_s = values[AGING_S], .base_tokens = values[BASE_TOKENS]};
    return NULL;
}

/* Requests of one class of length run beside each other and end together. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    double octaves = ceil(log2(request->predicted_tokens / state->base_tokens));
    return fmax(octaves, 0) + policy_age(request, state->aging_s);
}

const struct scheduling_policy policy_length_batches = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "length-batches",
    .summary = "by classes of predicted length, short ones first; within a class as they came",
    .uses = POLICY_USES_PREDICTION,
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .key = key,
};
