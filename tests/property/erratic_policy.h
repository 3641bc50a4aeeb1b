/* A policy that answers all questions, by a hash of everything it sees and has heard: where two
 * ways of making a run differ in anything that a policy sees, they come to different results. */
#ifndef TESTS_PROPERTY_ERRATIC_POLICY_H
#define TESTS_PROPERTY_ERRATIC_POLICY_H

#include "sim/base/random.h"
#include "sim/scheduling/scheduling_policy.h"

struct erratic_state {
    uint64_t heard;
};

static inline uint64_t erratic_mix(uint64_t digest, uint64_t value)
{
    return random_bits_at(digest, value);
}

static inline uint64_t erratic_request(uint64_t digest, const struct policy_request *request)
{
    digest = erratic_mix(digest, request->id);
    digest = erratic_mix(digest, request->output_tokens);
    digest = erratic_mix(digest, request->held_blocks);
    digest = erratic_mix(digest, request->preemptions);
    return erratic_mix(digest, (uint64_t)request->predicted_tokens);
}

static inline uint64_t erratic_view(uint64_t digest, const struct policy_view *view)
{
    digest = erratic_mix(digest, (uint64_t)view->now_ps);
    digest = erratic_mix(digest, view->waiting_count);
    digest = erratic_mix(digest, view->free_blocks);
    for (uint32_t i = 0; i < view->running_count; i++) {
        const struct policy_request one = view->running(view, i);
        digest = erratic_request(digest, &one);
    }
    return digest;
}

static inline uint32_t erratic_milestone_tokens(const void *state)
{
    (void)state;
    return 7;
}

static inline double erratic_key(void *memory, const struct policy_view *view,
                                 const struct policy_request *request)
{
    const struct erratic_state *state = memory;
    return (double)(erratic_request(erratic_view(state->heard, view), request) % 5);
}

static inline bool erratic_admits(void *memory, const struct policy_view *view,
                                  const struct policy_request *request)
{
    const struct erratic_state *state = memory;
    return erratic_request(erratic_view(state->heard, view), request) % 4 > 0;
}

/* Nobody is chased out for ever. */
static inline bool erratic_displaces(void *memory, const struct policy_view *view,
                                     const struct policy_request *waiting,
                                     const struct policy_request *running)
{
    const struct erratic_state *state = memory;
    uint64_t digest = erratic_request(erratic_view(state->heard, view), waiting);
    return erratic_request(digest, running) % 3 == 0 && running->preemptions < 3;
}

static inline double erratic_victim_key(void *memory, const struct policy_view *view,
                                        const struct policy_request *request)
{
    const struct erratic_state *state = memory;
    return (double)(erratic_request(erratic_view(state->heard, view), request) % 4);
}

static inline uint32_t erratic_chunk_tokens(void *memory, const struct policy_view *view)
{
    const struct erratic_state *state = memory;
    return 1 + (uint32_t)(erratic_view(state->heard, view) % 60);
}

static inline void erratic_on_event(void *memory, const struct policy_view *view,
                                    enum policy_event event, const struct policy_request *request)
{
    struct erratic_state *state = memory;
    uint64_t digest = erratic_view(erratic_mix(state->heard, (uint64_t)event), view);
    state->heard = erratic_request(digest, request);
}

static const struct scheduling_policy erratic_policy = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "erratic",
    .uses = POLICY_USES_PREDICTION,
    .state_bytes = sizeof(struct erratic_state),
    .milestone_tokens = erratic_milestone_tokens,
    .key = erratic_key,
    .admits = erratic_admits,
    .displaces = erratic_displaces,
    .victim_key = erratic_victim_key,
    .chunk_tokens = erratic_chunk_tokens,
    .on_event = erratic_on_event,
};

#endif
