#include "sim/experiments/comparison.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/parallel.h"
#include "sim/experiments/replications.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario_file.h"

struct side {
    struct scenario scenario;
    struct deployment deployment;
};

struct work {
    struct side *sides;
    struct comparison *comparison;
};

static bool run_one(void *context, uint32_t index, struct error *error)
{
    const struct work *work = context;
    uint32_t replications = work->comparison->replications;
    assert(index / replications < work->comparison->scenarios);
    const struct side *side = &work->sides[index / replications];
    struct scenario one = side->scenario;
    one.seed = work->sides[0].scenario.seed + index % replications;
    one.noise = true;
    one.metrics.timeline_interval_ps = 0;
    return replications_run_one(&one, &side->deployment, &work->comparison->runs[index], error);
}

bool comparison_run(const struct compared_scenario *scenarios, uint32_t count, const char *seed,
                    uint32_t replications, struct comparison *ret_comparison, struct error *error)
{
    assert(count > 0 && count <= MAX_COMPARED && replications > 0);
    struct work work = {memory_zeroed(count, sizeof(struct side)), ret_comparison};
    bool ok = true;
    *ret_comparison = (struct comparison){.scenarios = count, .replications = replications};
    for (uint32_t i = 0; ok && i < count; i++) {
        struct side *side = &work.sides[i];
        ok = scenario_file_read(&side->scenario, scenarios[i].path, &scenarios[i].assignments, seed,
                                error) &&
             deployment_resolve(&side->deployment, &side->scenario, error);
    }
    if (ok) {
        size_t runs = (size_t)count * replications;
        ret_comparison->runs = memory_zeroed(runs, sizeof ret_comparison->runs[0]);
        ok = parallel_for((uint32_t)runs, 0, run_one, &work, error);
    }
    for (uint32_t i = 0; i < count; i++) {
        deployment_clear(&work.sides[i].deployment);
    }
    free(work.sides);
    if (!ok) {
        comparison_clear(ret_comparison);
    }
    return ok;
}

void comparison_clear(struct comparison *comparison)
{
    free(comparison->runs);
    memset(comparison, 0, sizeof *comparison);
}

const struct run_summary *comparison_runs(const struct comparison *comparison, uint32_t scenario)
{
    assert(scenario < comparison->scenarios);
    return &comparison->runs[(size_t)scenario * comparison->replications];
}
