#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "plots/study/experiments.h"
#include "plots/study/study_load.h"
#include "plots/study/study_points.h"
#include "plots/study/study_scores.h"
#include "sim/base/output_set.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/report/plotting.h"

static void show_progress(uint32_t cells)
{
    static atomic_uint done;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%u of %u cells ", 1 + atomic_fetch_add(&done, 1), cells);
    }
}

/* The whole study: batches over time and the load too. */
static bool report_over_time(const char *directory, struct error *error)
{
    study_constants_print(stdout);
    return study_points_report(directory, stdout, error) &&
           study_load_report(directory, stdout, error);
}

static bool report(const struct study_results *results, bool is_whole, const char *csv,
                   const char *out, struct error *error)
{
    unsigned figures = 0;
    study_results_print(results, stdout);
    study_scores_print(results, stdout);
    if (csv != NULL && !study_results_write(results, NULL, csv, error)) {
        return false;
    }
    struct output_set set;
    bool ok = output_set_open(&set, out, plotting_paper_names, error) &&
              study_results_write(results, set.stage, "paper_tables.csv", error) &&
              (!is_whole || report_over_time(set.stage, error)) &&
              plotting_finish(&set, true, &figures, error);
    output_set_discard(&set);
    if (ok) {
        fprintf(stderr, "kvcast: CSV and %u figures in %s\n", figures, out);
    }
    return ok;
}

static int run_experiments(const char *out)
{
    struct error error;
    unsigned figures = 0;
    struct output_set set;
    bool ok = output_set_open(&set, out, plotting_experiment_names, &error) &&
              experiments_run(set.stage, stdout, &error) &&
              plotting_finish(&set, true, &figures, &error);
    output_set_discard(&set);
    if (!ok) {
        return options_fail(error.message);
    }
    fprintf(stderr, "kvcast: CSV and %u figures in %s\n", figures, out);
    return EXIT_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct option_list tables = {.count = 0};
    const char *csv = NULL;
    const char *out = "results/paper";
    const char *replications = "6";
    const struct option options[] = {
        {"--csv", "FILE", "write the cells, published beside simulated", OPTION_TEXT, &csv},
        {"--out", "DIR", "folder for CSV and figures (default results/paper)", OPTION_TEXT, &out},
        {"--replications", "N", "orders of the items to average over (default 6)", OPTION_TEXT,
         &replications},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &tables, &status)) {
        return status;
    }
    if (tables.count == 1 && text_equal(tables.values[0], "experiments")) {
        return run_experiments(out);
    }
    double count = 0;
    if (!text_to_double(replications, &count) || count < 1 || count > 1000) {
        return options_fail("--replications must be a number from 1 to 1000");
    }
    struct study_cells cells;
    struct error error;
    if (!study_cells_read(&cells, &error)) {
        return options_fail(error.message);
    }
    struct study_results results = {.count = 0};
    bool ok = study_results_create(&results, &cells, &tables, &error) &&
              study_results_simulate(&results, (uint32_t)count, show_progress, &error);
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r                        \r");
    }
    ok = ok && report(&results, tables.count == 0, csv, out, &error);
    study_results_clear(&results);
    study_cells_clear(&cells);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_paper = {
    .name = "paper",
    .arguments = "[TABLE...|experiments]",
    .summary = "the reference study's tables, simulated beside published",
    .details = "Tables 1 to 23 of arXiv 2510.18672; hardware and host are inferred once for all\n"
               "cells (docs/model.md).\n\n"
               "  kvcast paper --csv paper.csv      all of them, batches and a load over time\n"
               "  kvcast paper 2 4\n"
               "  kvcast paper experiments          budgets, a mixed batch, formats, xPyD,\n"
               "                                  prefix caching, precisions, lengths\n",
    .run = run,
};
