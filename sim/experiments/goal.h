/* What a plan must reach: a bound on a figure. */
#ifndef SIM_EXPERIMENTS_GOAL_H
#define SIM_EXPERIMENTS_GOAL_H

#include "sim/base/settings.h"
#include "sim/metrics/figure_table.h"

enum { MAX_GOALS = 16 };

struct goal {
    const struct figure *figure;
    bool is_ceiling; /* the figure stays below the bound; else above it */
    double bound;
    char text[96]; /* as it was given */
};

struct goal_list {
    struct goal goals[MAX_GOALS];
    uint32_t count;
};

/* Reads "FIGURE<BOUND" or "FIGURE>BOUND"; "<=" and ">=" mean the same. */
MUST_CHECK bool goal_parse(const char *text, struct goal *ret_goal, struct error *error);
MUST_CHECK bool goal_list_parse(const struct option_list *texts, struct goal_list *ret_list,
                                struct error *error);

/* How far a value is from the bound, as a ratio: below 1 it is kept, 2 is twice too much (or half
 * too little). INFINITY where there is no value. */
double goal_miss(const struct goal *goal, double value);

/* The largest miss of a run, and the goal that it is of. */
double goal_list_miss(const struct goal_list *list, const struct run_summary *summary,
                      uint32_t *ret_worst);

#endif
