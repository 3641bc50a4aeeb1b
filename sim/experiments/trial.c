#include "sim/experiments/trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/parallel.h"
#include "sim/base/smaller.h"
#include "sim/experiments/goal_watch.h"
#include "sim/metrics/figure_interval.h"
#include "sim/scenario/run_price.h"
#include "sim/scenario/scenario_run.h"

#define LEVEL 0.95
#define CLEAR_MISS 1.5
/* Puts the miss of stopped runs behind that of whole ones: they do not compare. */
#define CUT 1e6

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
    if (trial->is_cut) {
        return CUT * trial->miss;
    }
    return trial->verdict == TRIAL_MET ? fmin(trial->miss, 1 - 1e-9) : fmax(trial->miss, 1);
}

/* Runs of a trial that go on at the same time. */
struct batch_of_runs {
    const struct scenario *scenario;
    const struct deployment *deployment;
    const struct goal_list *goals;
    struct run_summary *runs; /* of all batches */
    uint32_t first;
    uint32_t count;
    bool stops; /* runs that have lost a goal, of those whose number of requests is known */
    bool is_whole[TRIAL_MAX_RUNS];
};

static bool run_watched(const struct scenario *scenario, const struct deployment *deployment,
                        struct goal_watch *watch, struct run_summary *ret_summary,
                        struct error *error)
{
    enum { EVENTS = 256 }; /* between two looks */
    struct scenario_run run;
    const struct observer observer = goal_watch_observer(watch);
    bool ok = scenario_run_init(&run, scenario, deployment, error);
    if (ok) {
        run.settings.observers = (struct observer_list){.observers = &observer, .count = 1};
        struct simulation *simulation = scenario_run_simulation(&run);
        const struct finished_run finished = {scenario, deployment, simulation};
        while (!watch->is_lost && simulation_run_events(simulation, EVENTS)) {
        }
        ok = scenario_run_check(&run, simulation, error);
        if (ok) {
            simulation_settle(simulation);
            *ret_summary = run_price_summarize(&finished);
        }
        simulation_destroy(simulation);
    }
    scenario_run_clear(&run);
    return ok;
}

/* Unless it is whole already. */
static bool run_one(void *context, uint32_t index, struct error *error)
{
    static const struct goal_list no_goals = {.count = 0};
    struct batch_of_runs *batch = context;
    struct scenario one = *batch->scenario;
    struct goal_watch watch;
    if (batch->is_whole[index]) {
        return true;
    }
    one.seed += batch->first + index;
    one.noise = true;
    one.metrics.timeline_interval_ps = 0; /* nobody reads the samples */
    goal_watch_init(&watch, batch->stops ? batch->goals : &no_goals, CLEAR_MISS,
                    one.workload.requests);
    bool ok =
        run_watched(&one, batch->deployment, &watch, &batch->runs[batch->first + index], error);
    batch->is_whole[index] = !watch.is_lost;
    return ok;
}

/* Stopped runs decide when all were stopped and for the same goal; else they are made whole. */
static bool run_batch(struct batch_of_runs *batch, struct trial *ret_trial, struct error *error)
{
    if (!parallel_for(batch->count, 0, run_one, batch, error)) {
        return false;
    }
    struct trial trial = trial_judge(batch->goals, batch->runs, batch->first + batch->count);
    trial.is_cut = trial.is_sure;
    for (uint32_t i = 0; i < batch->count; i++) {
        trial.is_cut = trial.is_cut && !batch->is_whole[i];
    }
    if (batch->stops && !trial.is_cut) {
        batch->stops = false;
        return run_batch(batch, ret_trial, error);
    }
    *ret_trial = trial;
    return true;
}

struct trial trial_run(const struct scenario *scenario, const struct goal_list *goals,
                       uint32_t max_runs, bool to_the_end)
{
    struct run_summary runs[TRIAL_MAX_RUNS];
    struct deployment *deployment = memory_zeroed(1, sizeof *deployment);
    struct trial trial = {.verdict = TRIAL_REFUSED, .miss = INFINITY};
    assert(max_runs >= 1 && max_runs <= TRIAL_MAX_RUNS);
    bool may_stop = !to_the_end && scenario->workload.trace[0] == '\0';
    trial.is_sure = !deployment_resolve(deployment, scenario, &trial.refusal);
    while (trial.runs < max_runs && !trial.is_sure) {
        uint32_t more = trial.runs == 0 ? TRIAL_FIRST_RUNS : trial.runs;
        struct batch_of_runs batch = {.scenario = scenario,
                                      .deployment = deployment,
                                      .goals = goals,
                                      .runs = runs,
                                      .first = trial.runs,
                                      .count = smaller(more, max_runs - trial.runs),
                                      .stops = may_stop && trial.runs == 0};
        struct error refusal;
        if (!run_batch(&batch, &trial, &refusal)) {
            trial = (struct trial){.verdict = TRIAL_REFUSED,
                                   .is_sure = true,
                                   .runs = trial.runs + 1,
                                   .miss = INFINITY,
                                   .refusal = refusal};
        }
    }
    deployment_clear(deployment);
    free(deployment);
    return trial;
}
