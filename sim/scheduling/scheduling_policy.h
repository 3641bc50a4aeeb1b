/* A scheduling policy: who goes first among the waiting, whether the first of them may start, who
 * gives its place up. It sees what a server knows and nothing else.
 *
 * A policy is asked when something happens (enum policy_event), and its answers stand until the
 * next time something does. Steps between two events need not be made one by one, so that a run
 * costs the same under any policy; one that wants to decide in every step asks for a milestone at
 * every token. Answers are checked: a wrong one ends the run with an error that names the policy.
 *
 * This header stands alone. A policy of one's own includes it, defines 'const struct
 * scheduling_policy kvcast_policy', and is compiled as a shared library (examples/policy). */
#ifndef SIM_SCHEDULING_SCHEDULING_POLICY_H
#define SIM_SCHEDULING_SCHEDULING_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rises with every change of the structs below. */
enum { SCHEDULING_POLICY_ABI = 1 };

/* What a server knows of a request. */
struct policy_request {
    uint32_t id;       /* in the order of sending */
    uint32_t user;     /* who sent it */
    uint32_t dataset;  /* which kind of request it is */
    int32_t priority;  /* as the client said; small goes first */
    uint64_t question; /* samples of one question have the same; 0: it is the only one */
    uint32_t samples;  /* of that question */
    int64_t sent_ps;
    int64_t deadline_ps; /* INT64_MAX: none */
    uint32_t prompt_tokens;
    uint32_t max_output_tokens;
    uint32_t output_tokens;  /* so far */
    uint32_t held_blocks;    /* of the KV cache, for the tokens there were before this step */
    uint32_t preemptions;    /* so far */
    double predicted_tokens; /* of its whole output, by the predictor of the run */
    double key;              /* that the policy gave it last */
};

/* What a server knows of itself. Times are picoseconds from the start of the run. */
struct policy_view {
    int64_t now_ps;
    uint32_t waiting_count;
    uint32_t running_count;
    uint32_t max_running; /* max_batch_requests */
    uint32_t max_batch_tokens;
    uint32_t free_blocks;
    uint32_t total_blocks;
    uint32_t block_tokens;
    /* The running request at a position from 0 to running_count - 1, in order of admission. */
    struct policy_request (*running)(const struct policy_view *view, uint32_t position);
    /* How long the GPU takes for a step of so many prompt tokens, and of so many decodes that read
     * so many tokens of KV. */
    int64_t (*step_ps)(const struct policy_view *view, uint32_t prompt_tokens, uint32_t decodes,
                       uint64_t context_tokens);
    const void *host; /* for the functions above */
};

enum policy_event {
    POLICY_ARRIVAL,    /* it joins the waiting */
    POLICY_ADMISSION,  /* it runs from now on */
    POLICY_MILESTONE,  /* its first token came out, or a multiple of milestone_tokens is reached */
    POLICY_PREEMPTION, /* it waits again, its KV lost or swapped out */
    POLICY_FINISH,
};

/* One row of a policy's table of parameters: '--set policy.KEY=VALUE'. */
struct policy_parameter {
    const char *key; /* "policy.NAME"; NULL ends the table */
    double value;    /* unless set */
    double minimum;
    double maximum;
    bool is_whole;
    const char *unit; /* NULL: none */
    const char *help;
};

enum { POLICY_MAX_PARAMETERS = 16 };

/* What of a request the policy decides by, beside its lengths and times; results name it. */
enum policy_use {
    POLICY_USES_PREDICTION = 1,
    POLICY_USES_PRIORITY = 2,
    POLICY_USES_USER = 4,
    POLICY_USES_DEADLINE = 8,
    POLICY_USES_QUESTION = 16,
};

/* Members that are not set take the default that is named. */
struct scheduling_policy {
    uint32_t abi; /* SCHEDULING_POLICY_ABI */
    const char *name;
    const char *summary;
    unsigned uses;                             /* of enum policy_use, added up */
    const struct policy_parameter *parameters; /* NULL: none */
    size_t state_bytes; /* of zeroed memory for each instance, 'state' of every call */
    /* 'values' are those of the parameters, in their order. Returns NULL, or what is wrong with
     * them. NULL: the state stays zero. */
    const char *(*init)(void *state, const double *values);
    void (*clear)(void *state); /* NULL: the state owns nothing */
    /* Output tokens between two milestones of a request, asked once. NULL or 0: there are none. */
    uint32_t (*milestone_tokens)(const void *state);
    /* Where a request that joins the waiting stands among them: the smallest goes first; equals go
     * by when they were sent. For one that was preempted no block counts as free. Where there is
     * 'displaces' the running are asked about too, and the state must stay as it is. NULL: in order
     * of arrival, the preempted in front. */
    double (*key)(void *state, const struct policy_view *view,
                  const struct policy_request *request);
    /* Whether the first of the waiting may start, where tokens and blocks suffice. Nobody else
     * starts before it. Not asked while nothing runs. NULL: it may. */
    bool (*admits)(void *state, const struct policy_view *view,
                   const struct policy_request *request);
    /* Whether a running request is preempted for the first of the waiting, which finds no place. Of
     * the running, the one with the largest key is asked about. NULL: none is. */
    bool (*displaces)(void *state, const struct policy_view *view,
                      const struct policy_request *waiting, const struct policy_request *running);
    /* Who is preempted when blocks run out: the largest goes first; of equals the one sent last.
     * No block counts as free then, and all are seen as when the step began.
     * NULL: the one that was admitted last. */
    double (*victim_key)(void *state, const struct policy_view *view,
                         const struct policy_request *request);
    /* Most prompt tokens of a step, from 1. NULL: as many as the engine takes. */
    uint32_t (*chunk_tokens)(void *state, const struct policy_view *view);
    /* Something has happened; 'request' is as it is after it. NULL: the policy need not know. */
    void (*on_event)(void *state, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request);
};

#endif
