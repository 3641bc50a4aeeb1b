/* A policy without an instance: its state, with the values that its parameters have unless set, and
 * a view made by hand. */
#ifndef TESTS_UNIT_MADE_POLICY_H
#define TESTS_UNIT_MADE_POLICY_H

#include "tests/unit/check.h"

#include "sim/base/memory.h"
#include "sim/scheduling/scheduling_policy.h"

enum { MADE_RUNNING = 8 };

struct made_policy {
    const struct scheduling_policy *policy;
    void *state;
    struct policy_view view;
    struct policy_request running[MADE_RUNNING];
};

static inline struct policy_request made_policy_running(const struct policy_view *view,
                                                        uint32_t position)
{
    const struct made_policy *made = view->host;
    assert_true(position < view->running_count);
    return made->running[position];
}

/* A millisecond, one for each hundred prompt tokens, and a tenth for each decode. */
static inline int64_t made_policy_step_ps(const struct policy_view *view, uint32_t prompt_tokens,
                                          uint32_t decodes, uint64_t context_tokens)
{
    (void)view;
    (void)context_tokens;
    return 1000000000 + (int64_t)prompt_tokens * 10000000 + (int64_t)decodes * 100000000;
}

static inline void made_policy_init(struct made_policy *made,
                                    const struct scheduling_policy *policy)
{
    double values[POLICY_MAX_PARAMETERS] = {0};
    for (size_t i = 0; policy->parameters != NULL && policy->parameters[i].key != NULL; i++) {
        values[i] = policy->parameters[i].value;
    }
    memset(made, 0, sizeof *made);
    made->policy = policy;
    made->state = memory_zeroed(policy->state_bytes + 1, 1);
    made->view = (struct policy_view){.max_running = MADE_RUNNING,
                                      .max_batch_tokens = 2048,
                                      .free_blocks = 100,
                                      .total_blocks = 100,
                                      .block_tokens = 16,
                                      .running = made_policy_running,
                                      .step_ps = made_policy_step_ps,
                                      .host = made};
    if (policy->init != NULL) {
        assert_null(policy->init(made->state, values));
    }
}

static inline void made_policy_clear(struct made_policy *made)
{
    if (made->policy->clear != NULL) {
        made->policy->clear(made->state);
    }
    free(made->state);
}

static inline double made_policy_key(struct made_policy *made, struct policy_request request)
{
    return made->policy->key(made->state, &made->view, &request);
}

static inline bool made_policy_admits(struct made_policy *made, struct policy_request request)
{
    return made->policy->admits(made->state, &made->view, &request);
}

/* The request starts: it runs, and the policy is told. */
static inline void made_policy_start(struct made_policy *made, struct policy_request request)
{
    assert_true(made->view.running_count < MADE_RUNNING);
    made->running[made->view.running_count++] = request;
    if (made->policy->on_event != NULL) {
        made->policy->on_event(made->state, &made->view, POLICY_ADMISSION, &request);
    }
}

#endif
