#include "sim/policy/paced_chunks.h"

enum { STEP_MS, MIN_TOKENS };

static const struct policy_parameter parameters[] = {
    [STEP_MS] = {.key = "policy.step_ms",
                 .value = 30,
                 .minimum = 0.001,
                 .maximum = 1e6,
                 .unit = "ms",
                 .help = "longest step, by its price: prompts are cut to what fits beside the "
                         "decodes"},
    [MIN_TOKENS] = {.key = "policy.min_tokens",
                    .value = 64,
                    .minimum = 1,
                    .maximum = 1e6,
                    .is_whole = true,
                    .unit = "tokens",
                    .help = "prompt tokens of a step at least"},
    {.key = NULL},
};

struct state {
    int64_t step_ps;
    uint32_t min_tokens;
};

static const char *init(void *memory, const double *values)
{
    *(struct state *)memory = (struct state){.step_ps = (int64_t)(values[STEP_MS] * 1e9),
                                             .min_tokens = (uint32_t)values[MIN_TOKENS]};
    return NULL;
}

/* Contexts grow, so that it is looked at again now and then. */
static uint32_t milestone_tokens(const void *memory)
{
    (void)memory;
    return 1024;
}

/* The most tokens whose step is short enough, found by halving. */
static uint32_t chunk_tokens(void *memory, const struct policy_view *view)
{
    const struct state *state = memory;
    uint64_t context_tokens = 0;
    uint32_t low =
        state->min_tokens < view->max_batch_tokens ? state->min_tokens : view->max_batch_tokens;
    uint32_t high = view->max_batch_tokens;
    for (uint32_t i = 0; i < view->running_count; i++) {
        const struct policy_request one = view->running(view, i);
        context_tokens += one.prompt_tokens + one.output_tokens;
    }
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (view->step_ps(view, middle, view->running_count, context_tokens) <= state->step_ps) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

const struct scheduling_policy policy_paced_chunks = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "paced-chunks",
    .summary = "first come, first served; prompts are cut so that no step takes longer than asked",
    .parameters = parameters,
    .state_bytes = sizeof(struct state),
    .init = init,
    .milestone_tokens = milestone_tokens,
    .chunk_tokens = chunk_tokens,
};
