/* What a plan answers: the plan itself, the scenario of its best configuration, what that could
 * still take, and what it would need under other loads. */
#ifndef SIM_EXPERIMENTS_PLAN_ANSWER_H
#define SIM_EXPERIMENTS_PLAN_ANSWER_H

#include "sim/base/json.h"
#include "sim/experiments/headroom.h"
#include "sim/experiments/plan.h"

enum { PLAN_MAX_WHAT_IFS = 3, PLAN_COMMAND_BYTES = 1280 };

/* The best configuration under another load. */
struct plan_what_if {
    const char *label;
    char assignment[64]; /* "workload.rate_per_s=8" */
    bool can_be;         /* else 'refusal' says why not */
    struct error refusal;
    struct plan plan; /* of that configuration alone */
};

struct plan_answer {
    struct plan plan;
    /* Where something reaches the goals: */
    struct scenario winner;
    char command[PLAN_COMMAND_BYTES]; /* starts it; empty for engines without one */
    struct headroom headroom;
    struct plan_what_if what_ifs[PLAN_MAX_WHAT_IFS];
    uint32_t what_if_count;
};

/* Cleared by plan_answer_clear, also after an error. */
MUST_CHECK bool plan_answer_find(const struct plan_settings *settings, bool with_what_ifs,
                                 struct plan_answer *ret_answer, struct error *error);
void plan_answer_clear(struct plan_answer *answer);

static inline bool plan_answer_is_found(const struct plan_answer *answer)
{
    return answer->plan.best < answer->plan.configuration_count;
}

/* How long requests arrive in the winner's runs; NAN where they do not arrive at a rate. When that
 * is less than three of the longest answers the load is still rising in much of each run. */
double plan_answer_arrivals_s(const struct plan_answer *answer);
bool plan_answer_is_brief(const struct plan_answer *answer);

/* All of it. 'with_front': which configurations are on the front of cost, goals and accuracy is
 * known, as costlier ones were looked at too. To be destroyed by the caller. */
struct json *plan_answer_json(const struct plan_answer *answer, bool with_front);

#endif
