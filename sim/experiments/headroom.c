#include "sim/experiments/headroom.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/experiments/search.h"

/* Rates fall with their index, from 16 times the scenario's: so do the misses. */
enum {
    STEPS_AN_OCTAVE = 8,
    OCTAVES = 4,
    RATES = 2 * OCTAVES * STEPS_AN_OCTAVE + 1,
    MAX_REQUESTS = 200000
};

struct looking {
    const struct scenario *scenario;
    const struct goal_list *goals;
    uint32_t max_runs;
    bool keep_requests;
    uint32_t runs;
    struct trial *trials;
};

static double rate_at(const struct scenario *scenario, uint32_t index)
{
    double octaves = OCTAVES - (double)index / STEPS_AN_OCTAVE;
    return scenario->workload.arrivals.rate_per_s * exp2(octaves);
}

static double try_rate(void *context, uint32_t index)
{
    struct looking *looking = context;
    struct trial *trial = &looking->trials[index];
    struct scenario *one = memory_zeroed(1, sizeof *one);
    *one = *looking->scenario;
    one->workload.arrivals.rate_per_s = rate_at(looking->scenario, index);
    if (!looking->keep_requests) {
        double requests = looking->scenario->workload.requests * one->workload.arrivals.rate_per_s /
                          looking->scenario->workload.arrivals.rate_per_s;
        one->workload.requests = (uint32_t)fmin(fmax(requests, 1), MAX_REQUESTS);
    }
    *trial = trial_run(one, looking->goals, looking->max_runs, false);
    looking->runs += trial->runs;
    free(one);
    return trial_miss(trial);
}

struct headroom headroom_find(const struct scenario *scenario, const struct goal_list *goals,
                              uint32_t max_runs, bool keep_requests)
{
    struct headroom headroom = {.miss_per_s = NAN};
    headroom.is_open = scenario->workload.client.kind == CLIENT_OPEN &&
                       scenario->workload.trace[0] == '\0' &&
                       scenario->workload.arrivals.process != ARRIVAL_WINDOWS &&
                       scenario->workload.arrivals.process != ARRIVAL_ALL_AT_ONCE;
    if (!headroom.is_open) {
        return headroom;
    }
    struct looking looking = {
        .scenario = scenario, .goals = goals, .max_runs = max_runs, .keep_requests = keep_requests};
    looking.trials = memory_zeroed(RATES, sizeof looking.trials[0]);
    const struct search search = {
        .try = try_rate, .context = &looking, .count = RATES, .start = OCTAVES * STEPS_AN_OCTAVE};
    struct search_result result = search_first(&search);
    headroom.is_met = result.found;
    headroom.met_per_s = result.found ? rate_at(scenario, result.index) : (double)NAN;
    headroom.is_monotone = result.is_monotone;
    headroom.tried = result.tried;
    headroom.runs = looking.runs;
    if (result.index > 0 && looking.trials[result.index - 1].runs > 0) {
        headroom.miss_per_s = rate_at(scenario, result.index - 1);
        headroom.trial = looking.trials[result.index - 1];
    }
    free(looking.trials);
    return headroom;
}
