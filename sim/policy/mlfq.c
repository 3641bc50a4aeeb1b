#include "sim/policy/mlfq.h"

#include "sim/policy/policy_time.h"

enum { QUANTUM_TOKENS, LEVELS, PROMOTE_S };

static const struct policy_parameter parameters[] = {
    [QUANTUM_TOKENS] = {.key = "policy.quantum_tokens",
                        .value = 256,
                        .minimum = 1,
                        .maximum = 1e6,
                        .is_whole = true,
                        .unit = "tokens",
                        .help = "output tokens of the first level; each further level has twice as "
                                "many"},
    [LEVELS] = {.key = "policy.levels",
                .value = 6,
                .minimum = 1,
                .maximum = 24,
                .is_whole = true,
                .help = "number of levels"},
    [PROMOTE_S] = {.key = "policy.promote_s",
                   .value = 60,
                   .maximum = 1e9,
                   .unit = "s",
                   .help = "wait that counts as much as one level; 0: waiting counts nothing"},
    {.key = NULL},
};

struct state {
    uint32_t quantum_tokens;
    uint32_t levels;
    double promote_s;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory = (struct state){.quantum_tokens = (uint32_t)values[QUANTUM_TOKENS],
                                             .levels = (uint32_t)values[LEVELS],
                                             .promote_s = values[PROMOTE_S]};
    return NULL;
}

static uint32_t milestone_tokens(const void *memory)
{
    return ((const struct state *)memory)->quantum_tokens;
}

/* Levels end at 1, 3, 7, ... quanta of what was served. A prompt counts as the output tokens that
 * could be made meanwhile, a hundredth: long prompts skip the first levels (FastServe, Wu et al.
 * 2023). */
static uint32_t level_of(const struct state *state, const struct policy_request *request)
{
    double served = request->output_tokens + request->prompt_tokens / 100.0;
    double end = state->quantum_tokens;
    uint32_t level = 0;
    while (level + 1 < state->levels && served >= end) {
        level++;
        end += (double)state->quantum_tokens * (1u << level);
    }
    return level;
}

static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    const struct state *state = memory;
    (void)view;
    return level_of(state, request) + policy_age(request, state->promote_s);
}

static bool displaces(void *memory, const struct policy_view *view,
                      const struct policy_request *waiting, const struct policy_request *running)
{
    const struct state *state = memory;
    return level_of(state, waiting) < level_of(state, running) &&
           key(memory, view, waiting) < key(memory, view, running);
}

const struct scheduling_policy policy_mlfq = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "mlfq",
    .summary = "multi-level feedback queue with skip-join: sinks a level with what was served",
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .milestone_tokens = milestone_tokens,
    .key = key,
    .displaces = displaces,
};
