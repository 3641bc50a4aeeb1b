/* One prompt and its answer: what the client asks, how the answer will turn out (the truth, which
 * no policy sees), where the engine stands with it, and what the client observed. */
#ifndef SIM_SERVING_REQUEST_H
#define SIM_SERVING_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/kv/prompt_content.h"

#define TIME_NONE INT64_MIN /* it has not happened */

enum request_status {
    REQUEST_UNSENT,
    REQUEST_WAITING,
    REQUEST_RUNNING,
    REQUEST_PREEMPTED,
    REQUEST_SWAPPED, /* preempted, its blocks copied to the CPU */
    REQUEST_FINISHED,
    REQUEST_REJECTED,
};

/* How many drafted tokens turn out correct. */
struct draft_truth {
    double probability;        /* of each token whose predecessors were right */
    const double *by_position; /* instead: that this many in a row are right; or NULL. Borrowed */
    uint32_t position_count;   /* beyond, none is */
    uint32_t accepted_count;
    uint64_t key;            /* of the counter-based draws, by verification */
    const uint8_t *accepted; /* instead of drawing: by verification, over and over; or NULL */
};

/* What the client asks; a server knows all of it. */
struct request_ask {
    int64_t sent_ps; /* a closed-loop client sets it */
    uint32_t prompt_tokens;
    uint32_t max_output_tokens;
    int32_t priority;    /* small goes first, under the priority policy */
    uint32_t dataset;    /* index into the run's names */
    uint32_t user;       /* who sends it */
    uint32_t samples;    /* answers asked for to its question */
    uint64_t question;   /* which; 0: nobody else asks it */
    int64_t deadline_ps; /* after it was sent; 0: none */
    struct prompt_content content;
};

/* How the answer will turn out. */
struct request_truth {
    uint32_t output_tokens;    /* >= 1; below max_output_tokens it ends by itself */
    uint32_t reasoning_tokens; /* of output_tokens; the rest is visible */
    bool answer_is_known;      /* whether it is right */
    bool is_correct;
    struct draft_truth drafts;
};

/* What the client observed; TIME_NONE until it has. */
struct request_clock {
    int64_t first_scheduled_ps;
    int64_t first_token_ps;
    int64_t first_visible_ps; /* TIME_NONE when the budget ended the thinking */
    int64_t last_token_ps;
    int64_t max_itl_ps;
};

struct request {
    uint32_t id; /* its number in the order of sending; set when it is sent */
    struct request_ask ask;
    struct request_truth truth;

    /* where the engine stands with it */
    enum request_status status;
    bool is_member;        /* of the decode group; then the counters stand still (decode_group.h) */
    uint32_t known_tokens; /* prompt + outputs already processed */
    uint32_t computed_tokens;  /* advanced when a step is scheduled, not when it has run */
    uint32_t placeholders;     /* outputs formed but not yet processed */
    uint32_t drafts;           /* proposed for its next step */
    uint32_t verifications;    /* steps with drafts so far */
    uint32_t remote_tokens;    /* computed by another instance, their KV moved here */
    uint32_t cached_tokens;    /* found computed at its first admission */
    uint32_t cacheable_tokens; /* computed by prompts (radix caching) */
    uint32_t swapped_blocks;   /* on the CPU */
    uint32_t preemptions;
    uint32_t retries; /* on other instances, as its own failed */
    uint64_t recomputed_tokens;

    struct request_clock clock;
};

/* The only way from one status to the next; asserts that there is one. */
void request_become(struct request *request, enum request_status status);

/* With an ask and a truth: what the engine and the client know of it before it is sent. */
void request_begin(struct request *request, uint32_t id);

/* Its prompt is done, and another instance goes on: there all but the last token of the prompt
 * count as computed, and the first token comes out. */
void request_hand_over(struct request *request);

/* Its instance is gone, with all that was computed of it: what the client has it keeps. */
void request_evict(struct request *request);

/* After that: its answer begins again, too. */
void request_restart_answer(struct request *request);

/* No engine has admitted it yet, here or elsewhere. */
static inline bool request_is_new(const struct request *request)
{
    return request->clock.first_scheduled_ps == TIME_NONE && request->preemptions == 0;
}

static inline uint32_t request_outputs(const struct request *request)
{
    return request->known_tokens - request->ask.prompt_tokens;
}

/* Of a request that is done, with two outputs or more; rounded to whole picoseconds. */
static inline int64_t request_tpot_ps(const struct request *request)
{
    int64_t gaps = (int64_t)request_outputs(request) - 1;
    return (request->clock.last_token_ps - request->clock.first_token_ps + gaps / 2) / gaps;
}

#endif
