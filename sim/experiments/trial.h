/* Whether a scenario reaches its goals, by as many replications as it takes to be sure. */
#ifndef SIM_EXPERIMENTS_TRIAL_H
#define SIM_EXPERIMENTS_TRIAL_H

#include "sim/experiments/goal.h"
#include "sim/scenario/scenario.h"

enum { TRIAL_FIRST_RUNS = 2, TRIAL_MAX_RUNS = 64 };

enum trial_verdict {
    TRIAL_MET,
    TRIAL_MISSED,
    TRIAL_REFUSED /* it cannot run: 'refusal' says why */
};

struct trial {
    enum trial_verdict verdict;
    bool is_sure; /* the interval of each figure decides, not just its mean */
    bool is_cut;  /* stopped when it was lost: the miss is at least this */
    uint32_t runs;
    double miss;    /* the largest over the goals, of the means (goal.h) */
    uint32_t worst; /* the goal that it is of */
    struct run_summary means;
    struct error refusal;
};

/* Judges finished runs: met when the 95 % interval of every goal's mean figure lies on the right
 * side of its bound, missed when that of any lies on the wrong side; two runs or more that all miss
 * (or all keep) every bound by more than half decide too. Otherwise the means speak, and 'is_sure'
 * is false. 'count' is at least 1. */
struct trial trial_judge(const struct goal_list *goals, const struct run_summary *runs,
                         uint32_t count);

/* The miss as the verdict has it: below 1 exactly when the goals are met. Those that were cut are
 * behind all others. INFINITY for a scenario that cannot run. */
double trial_miss(const struct trial *trial);

/* Runs the scenario under its seed and those that follow, the same for whatever is compared, until
 * the verdict is sure or 'max_runs' are done. The first runs are stopped once a goal is lost by
 * half of its bound whatever follows (goal_watch.h), and decide when all are; 'to_the_end': none
 * is. What the outcome is does not depend on the cores. */
struct trial trial_run(const struct scenario *scenario, const struct goal_list *goals,
                       uint32_t max_runs, bool to_the_end);

#endif
