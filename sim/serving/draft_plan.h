/* What the members of a decode group that speculates do in the steps ahead. How many drafts each
 * verification accepts is part of the truth about a request, so a member's tokens and blocks are
 * known in advance: they are added up by step once, and a step then costs the same for one member
 * as for hundreds. */
#ifndef SIM_SERVING_DRAFT_PLAN_H
#define SIM_SERVING_DRAFT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum { DRAFT_PLAN_STEPS = 64 }; /* planned at a time; a power of two */

struct instance;

/* Sums over the members. */
struct draft_step {
    uint32_t accepted; /* drafts */
    uint32_t tokens;   /* that its output brings */
    uint64_t squares;  /* by which the sum of squared contexts then rises */
    uint32_t blocks;   /* that scheduling the step after it takes */
};

/* Where a member stands: a verification is under way, and no earlier one. */
struct draft_progress {
    uint32_t known_tokens;
    uint32_t held_blocks;
    uint32_t verification;
};

struct draft_plan {
    uint32_t drafts; /* of each member in each step; 0: the engine does not speculate */
    uint32_t max_model_len;
    uint32_t block_tokens;
    uint32_t blocks_ahead;                     /* taken beside those that lack */
    uint32_t max_blocks;                       /* of one request */
    uint64_t end;                              /* the first step that is not planned */
    struct draft_step steps[DRAFT_PLAN_STEPS]; /* a ring */
};

void draft_plan_init(struct draft_plan *plan, const struct instance *instance);

/* Nothing is planned, and what will be ends before step 'end'. */
void draft_plan_reset(struct draft_plan *plan, uint64_t end);

static inline struct draft_step *draft_plan_step(struct draft_plan *plan, uint64_t step)
{
    return &plan->steps[step % DRAFT_PLAN_STEPS];
}

/* Where a request stands whose verification is the step in flight. */
struct draft_progress draft_plan_start(const struct instance *instance, uint32_t request);

/* Ends the verification under way and begins the next one like it: '*ret_step' is what that adds to
 * the sums. False, with nothing but 'accepted' in it, when the request ends with its output or is
 * not given all drafts again. */
bool draft_plan_advance(const struct instance *instance, uint32_t request,
                        struct draft_progress *progress, struct draft_step *ret_step);

#endif
