/* The largest rate of requests at which a deployment still reaches its goals. */
#ifndef SIM_EXPERIMENTS_HEADROOM_H
#define SIM_EXPERIMENTS_HEADROOM_H

#include "sim/experiments/trial.h"

struct headroom {
    bool is_open;       /* requests arrive at a rate of their own; else there is none to raise */
    bool is_met;        /* at any rate that was tried */
    double met_per_s;   /* the largest rate that reaches the goals */
    double miss_per_s;  /* the smallest above it that does not; NAN: none was tried */
    struct trial trial; /* at 'miss_per_s' */
    bool is_monotone;   /* higher rates never missed by less */
    uint32_t tried;
    uint32_t runs;
};

/* Looks from a sixteenth of the scenario's rate to sixteen times it, in steps of 9 %. Each run
 * lasts as long as the scenario's, so that requests grow with the rate; 'keep_requests': they do
 * not. */
struct headroom headroom_find(const struct scenario *scenario, const struct goal_list *goals,
                              uint32_t max_runs, bool keep_requests);

#endif
