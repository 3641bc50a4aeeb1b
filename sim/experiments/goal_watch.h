/* Watches a run for goals that it can no longer keep: once more requests are too slow than a
 * percentile may leave out of all there will be, nothing that follows mends it. */
#ifndef SIM_EXPERIMENTS_GOAL_WATCH_H
#define SIM_EXPERIMENTS_GOAL_WATCH_H

#include "sim/experiments/goal.h"
#include "sim/serving/observer.h"

/* A percentile of requests that must stay below a bound. */
struct watched_goal {
    int64_t (*duration_ps)(const struct request *request); /* TIME_NONE: it has none */
    int64_t limit_ps;
    uint64_t allowed; /* requests beyond the limit */
    uint64_t beyond;
};

struct goal_watch {
    struct watched_goal goals[MAX_GOALS];
    uint32_t count;
    uint64_t requests; /* of the whole run */
    bool is_lost;
};

/* Of a run of so many requests. Goals are lost when they miss their bounds by 'margin' (1.5: by
 * half) or more; those that are no upper bound on a percentile of requests are never lost. */
void goal_watch_init(struct goal_watch *watch, const struct goal_list *goals, double margin,
                     uint64_t requests);

/* To be given to the run; refers to the watch. */
struct observer goal_watch_observer(struct goal_watch *watch);

#endif
