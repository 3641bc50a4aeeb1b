#include "sim/policy/gang.h"

#include "sim/policy/policy_time.h"

/* The question whose samples are being admitted. */
struct state {
    uint64_t question;
    uint32_t missing; /* samples that are still to start */
};

/* All samples of a question are sent at once; the number keeps them together. */
static double key(void *memory, const struct policy_view *view,
                  const struct policy_request *request)
{
    (void)memory;
    (void)view;
    return policy_seconds(request->sent_ps);
}

static uint64_t blocks_of(const struct policy_view *view, const struct policy_request *request)
{
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    return tokens / view->block_tokens + 1;
}

/* The first sample waits until there is room for all; the others follow it. A question that would
 * never fit at once starts as if its samples were alone. */
static bool admits(void *memory, const struct policy_view *view,
                   const struct policy_request *request)
{
    const struct state *state = memory;
    uint32_t samples = request->samples;
    bool follows = state->missing > 0 && state->question == request->question;
    if (request->question == 0 || samples < 2 || follows || samples > view->max_running ||
        samples * blocks_of(view, request) > view->total_blocks) {
        return true;
    }
    return view->running_count + samples <= view->max_running &&
           samples * blocks_of(view, request) <= view->free_blocks;
}

static void on_event(void *memory, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request)
{
    struct state *state = memory;
    (void)view;
    if (event != POLICY_ADMISSION || request->preemptions > 0) {
        return;
    }
    if (state->question != request->question) {
        *state = (struct state){.question = request->question, .missing = request->samples};
    }
    state->missing -= state->missing > 0;
}

const struct scheduling_policy policy_gang = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "gang",
    .summary = "all samples of a question start together; questions first come, first served",
    .uses = POLICY_USES_QUESTION,
    .state_bytes = sizeof(struct state),
    .key = key,
    .admits = admits,
    .on_event = on_event,
};
