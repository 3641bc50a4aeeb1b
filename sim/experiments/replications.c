#include "sim/experiments/replications.h"

#include <assert.h>

#include "sim/base/parallel.h"
#include "sim/metrics/figure_interval.h"
#include "sim/scenario/run_price.h"
#include "sim/scenario/scenario_run.h"

struct work {
    const struct scenario *scenario;
    const struct deployment *deployment; /* shared by all of them */
    struct run_summary *runs;            /* by replication: which core ran it does not matter */
    uint32_t first;                      /* replication to run; those before are there */
};

static bool take_summary(void *context, const struct finished_run *run, struct error *error)
{
    struct run_summary *summary = context;
    (void)error;
    *summary = run_price_summarize(run);
    return true;
}

bool replications_run_one(const struct scenario *scenario, const struct deployment *deployment,
                          struct run_summary *ret_summary, struct error *error)
{
    return scenario_run_all(scenario, deployment, take_summary, ret_summary, error);
}

static bool run_one(void *context, uint32_t index, struct error *error)
{
    const struct work *work = context;
    struct scenario one = *work->scenario;
    uint32_t replication = work->first + index;
    one.seed += replication;
    one.noise = true;
    return replications_run_one(&one, work->deployment, &work->runs[replication], error);
}

bool replications_run(const struct scenario *scenario, const struct deployment *deployment,
                      const struct run_summary *first, uint32_t count, struct run_summary *ret_runs,
                      struct error *error)
{
    assert(count > 0);
    struct work work = {.scenario = scenario,
                        .deployment = deployment,
                        .runs = ret_runs,
                        .first = first != NULL ? 1 : 0};
    if (first != NULL) {
        ret_runs[0] = *first;
    }
    if (!parallel_for(count - work.first, 0, run_one, &work, error)) {
        return false;
    }
    return count == 1 || figure_any_varies(ret_runs, count) ||
           error_set(error,
                     "all %u replications came out equal: nothing that is random in this scenario "
                     "reaches a figure, so there is no interval",
                     count);
}
