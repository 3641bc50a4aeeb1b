#include "sim/experiments/comparison.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/parallel.h"
#include "sim/base/text.h"
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

static bool is_shown(const struct figure *figure, bool all)
{
    return figure->type != FIGURE_EXACT &&
           (all || figure->is_main || text_equal(figure->key, "accuracy") ||
            text_equal(figure->key, "price.usd_high"));
}

void comparison_table_fill(struct comparison_table *table, const struct comparison *comparison,
                           uint32_t scenario, bool all)
{
    *table = (struct comparison_table){.count = 0};
    size_t most = figure_table_count();
    table->figures = memory_zeroed(most, sizeof(struct figure *));
    table->rows = memory_zeroed(most, sizeof table->rows[0]);
    table->significant = memory_zeroed(most, sizeof table->significant[0]);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (is_shown(figure, all)) {
            struct paired paired = paired_compare(figure, comparison_runs(comparison, 0),
                                                  comparison_runs(comparison, scenario),
                                                  comparison->replications, COMPARISON_LEVEL);
            if (paired.pairs > 0) {
                table->figures[table->count] = figure;
                table->rows[table->count++] = paired;
            }
        }
    }
    paired_significant(table->rows, table->count, 1 - COMPARISON_LEVEL, table->significant);
}

void comparison_table_clear(struct comparison_table *table)
{
    free(table->figures);
    free(table->rows);
    free(table->significant);
}
