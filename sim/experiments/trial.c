#include "sim/experiments/trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/parallel.h"
#include "sim/experiments/replications.h"
#include "sim/metrics/figure_interval.h"
#include "sim/scenario/deployment.h"

#define LEVEL 0.95
#define CLEAR_MISS 1.5

/* Half the width of the interval of a mean: that of one further run, less the run itself. */
static struct interval interval_of_mean(const struct figure *figure, const struct run_summary *runs,
                                        uint32_t count)
{
    struct interval interval = figure_interval(figure, runs, count, LEVEL);
    double half = (interval.high - interval.mean) / sqrt(1 + (double)count);
    return (struct interval){interval.mean, interval.mean - half, interval.mean + half};
}

struct votes {
    bool all_met;    /* surely */
    bool any_missed; /* surely */
};

static struct votes vote(const struct goal_list *goals, const struct run_summary *runs,
                         uint32_t count)
{
    struct votes votes = {.all_met = true, .any_missed = false};
    for (uint32_t g = 0; g < goals->count; g++) {
        const struct goal *goal = &goals->goals[g];
        struct interval interval = interval_of_mean(goal->figure, runs, count);
        double low = goal_miss(goal, goal->is_ceiling ? interval.low : interval.high);
        double high = goal_miss(goal, goal->is_ceiling ? interval.high : interval.low);
        double best = INFINITY;
        double worst = 0;
        for (uint32_t i = 0; i < count; i++) {
            double miss = goal_miss(goal, figure_value(goal->figure, &runs[i]));
            best = fmin(best, miss);
            worst = fmax(worst, miss);
        }
        bool is_known = count > 1 && !isnan(interval.low);
        bool met = count > 1 && ((is_known && high < 1) || worst < 1 / CLEAR_MISS);
        bool missed = count > 1 && ((is_known && low >= 1) || best > CLEAR_MISS);
        votes.all_met = votes.all_met && met;
        votes.any_missed = votes.any_missed || missed;
    }
    return votes;
}

struct trial trial_judge(const struct goal_list *goals, const struct run_summary *runs,
                         uint32_t count)
{
    assert(count > 0);
    struct trial trial = {.runs = count, .means = figure_means(runs, count)};
    struct votes votes = vote(goals, runs, count);
    trial.miss = goal_list_miss(goals, &trial.means, &trial.worst);
    trial.is_sure = votes.all_met || votes.any_missed;
    bool met = trial.is_sure ? votes.all_met : trial.miss < 1;
    trial.verdict = met ? TRIAL_MET : TRIAL_MISSED;
    return trial;
}

double trial_miss(const struct trial *trial)
{
    if (trial->verdict == TRIAL_REFUSED) {
        return INFINITY;
    }
    return trial->verdict == TRIAL_MET ? fmin(trial->miss, 1 - 1e-9) : fmax(trial->miss, 1);
}

struct batch_of_runs {
    const struct scenario *scenario;
    const struct deployment *deployment;
    struct run_summary *runs;
    uint32_t first;
};

static bool run_one(void *context, uint32_t index, struct error *error)
{
    const struct batch_of_runs *batch = context;
    struct scenario one = *batch->scenario;
    one.seed += batch->first + index;
    one.noise = true;
    one.metrics.timeline_interval_ps = 0; /* nobody reads the samples */
    return replications_run_one(&one, batch->deployment, &batch->runs[batch->first + index], error);
}

struct trial trial_run(const struct scenario *scenario, const struct goal_list *goals,
                       uint32_t max_runs)
{
    struct run_summary runs[TRIAL_MAX_RUNS];
    struct deployment *deployment = memory_zeroed(1, sizeof *deployment);
    struct trial trial = {.verdict = TRIAL_REFUSED, .miss = INFINITY};
    assert(max_runs >= 1 && max_runs <= TRIAL_MAX_RUNS);
    trial.is_sure = !deployment_resolve(deployment, scenario, &trial.refusal);
    while (trial.runs < max_runs && !trial.is_sure) {
        uint32_t more = trial.runs == 0 ? TRIAL_FIRST_RUNS : trial.runs;
        struct batch_of_runs batch = {scenario, deployment, runs, trial.runs};
        struct error refusal;
        more = more < max_runs - trial.runs ? more : max_runs - trial.runs;
        if (!parallel_for(more, 0, run_one, &batch, &refusal)) {
            trial = (struct trial){.verdict = TRIAL_REFUSED,
                                   .is_sure = true,
                                   .runs = trial.runs + 1,
                                   .miss = INFINITY,
                                   .refusal = refusal};
            break;
        }
        trial = trial_judge(goals, runs, trial.runs + more);
    }
    deployment_clear(deployment);
    free(deployment);
    return trial;
}
