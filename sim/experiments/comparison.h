/* Scenarios run side by side under the same seeds. */
#ifndef SIM_EXPERIMENTS_COMPARISON_H
#define SIM_EXPERIMENTS_COMPARISON_H

#include "sim/base/error.h"
#include "sim/base/settings.h"
#include "sim/metrics/paired.h"
#include "sim/metrics/run_summary.h"

enum { MAX_COMPARED = 16 };

/* One of the scenarios: a file with some settings changed. */
struct compared_scenario {
    const char *path; /* NULL: the default */
    struct option_list assignments;
};

struct comparison {
    uint32_t scenarios;
    uint32_t replications;
    struct run_summary *runs; /* of scenario s, replication r: [s * replications + r] */
};

/* Runs each scenario under the seeds from the first one's own on, with noise, on all cores. */
MUST_CHECK bool comparison_run(const struct compared_scenario *scenarios, uint32_t count,
                               const char *seed, uint32_t replications,
                               struct comparison *ret_comparison, struct error *error);
void comparison_clear(struct comparison *comparison);

#define COMPARISON_LEVEL 0.95

/* The differences of one scenario from the first, a row a figure. */
struct comparison_table {
    const struct figure **figures;
    struct paired *rows;
    bool *significant; /* all of them together at COMPARISON_LEVEL */
    uint32_t count;
};

/* The main figures, or all. Cleared by comparison_table_clear. */
void comparison_table_fill(struct comparison_table *ret_table, const struct comparison *comparison,
                           uint32_t scenario, bool all);
void comparison_table_clear(struct comparison_table *table);

/* The runs of one scenario. */
const struct run_summary *comparison_runs(const struct comparison *comparison, uint32_t scenario);

#endif
