/* The cheapest of many configurations that reaches its goals: for each combination of the settings
 * that vary the fewest instances that do, found without running what cannot win. */
#ifndef SIM_EXPERIMENTS_PLAN_H
#define SIM_EXPERIMENTS_PLAN_H

#include "sim/experiments/design.h"
#include "sim/experiments/sweep.h"
#include "sim/experiments/trial.h"

enum { PLAN_MAX_COUNTS = 1024, PLAN_NAME_BYTES = 384 };

enum plan_objective { PLAN_MINIMIZE_USD, PLAN_MINIMIZE_GPUS };

struct plan_settings {
    struct sweep_base base;
    struct option_list goals; /* "FIGURE<BOUND" (goal.h), at least one */
    struct option_list over;  /* "KEY=VALUES" (axis.h); engine.instances: 1..16 where not said */
    enum plan_objective objective;
    uint32_t max_runs;  /* replications of a candidate at most */
    bool every_pair;    /* run every candidate up to each configuration's first success */
    bool keep_costlier; /* look at configurations that cannot be the cheapest too */
    void (*on_trial)(void *context, uint32_t tried, uint32_t of); /* NULL: nobody watches */
    void *context;
};

enum plan_fate {
    PLAN_MET,          /* 'instances' are the fewest that reach the goals */
    PLAN_MISSED,       /* 'trial' is the best there is, on 'instances' */
    PLAN_REFUSED,      /* 'trial.refusal' says why it cannot run */
    PLAN_PRUNED,       /* even the fewest that can carry the load cost more than the best */
    PLAN_BEYOND_BUDGET /* or more than the goals allow */
};

/* A combination of the settings that vary, engine.instances left out. */
struct plan_configuration {
    char name[PLAN_NAME_BYTES]; /* "hardware.gpu=L40S model.weights=fp8"; empty: as it is */
    uint32_t point;             /* of the design */
    enum plan_fate fate;
    uint32_t instances;
    struct trial trial;
    uint32_t tried; /* candidates */
    uint32_t runs;
    uint32_t requests; /* of each run: enough to see a load that goes on, unless they were given */
    bool is_monotone;
    double unit_usd; /* of one instance an hour; NAN: not known */
    double unit_gpus;
    double unit_cost; /* the one of the two that is to be small */
    uint32_t least;   /* index of the fewest instances that can carry the load */
    double best_cost; /* of 'instances' */
};

struct plan {
    struct goal_list goals;
    struct design design;             /* without engine.instances */
    uint32_t counts[PLAN_MAX_COUNTS]; /* of instances to choose from, rising */
    uint32_t count_count;
    struct plan_configuration *configurations;
    uint32_t configuration_count;
    uint32_t best;    /* configuration_count: none reaches the goals */
    uint32_t closest; /* then, the one that misses them by least; configuration_count: none ran */
    uint32_t candidates;
    uint32_t tried;
    uint32_t runs;
};

MUST_CHECK bool plan_run(const struct plan_settings *settings, struct plan *ret_plan,
                         struct error *error);
void plan_clear(struct plan *plan);

/* The scenario of a configuration with so many instances. */
MUST_CHECK bool plan_scenario(const struct plan_settings *settings, const struct plan *plan,
                              uint32_t configuration, uint32_t instances,
                              struct scenario *ret_scenario, struct error *error);

/* True when no other configuration that reaches the goals costs less and is better in each figure
 * that has a goal, and in accuracy where it is known. */
bool plan_is_on_front(const struct plan *plan, uint32_t configuration);

#endif
