#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/study/experiments.h"
#include "plots/study/study.h"
#include "plots/study/study_load.h"
#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/output_set.h"
#include "sim/base/parallel.h"
#include "sim/base/text.h"
#include "sim/cli/commands.h"
#include "sim/cli/figures.h"
#include "sim/metrics/samples.h"

enum { MEASURES = 5 };

static const char *const measures[MEASURES] = {"accuracy_pct", "mean_output_tokens", "pass_time_s",
                                               "tokens_per_s", "ttfvt_s"};

static double measure(const struct study_numbers *numbers, int i)
{
    const double values[MEASURES] = {numbers->accuracy_pct, numbers->mean_output_tokens,
                                     numbers->pass_time_s, numbers->tokens_per_s, numbers->ttfvt_s};
    return values[i];
}

/* The cells asked for, simulated by all cores. */
struct work {
    const struct study_cell **cells;
    struct study_numbers *simulated;
    uint32_t count;
    uint32_t replications;
    bool with_batches; /* the figures of one batch over time too */
    atomic_uint done;
};

static bool simulate_cell(void *context, uint32_t index, struct error *error)
{
    struct work *work = context;
    bool ok =
        study_simulate(work->cells[index], work->replications, &work->simulated[index], error);
    uint32_t done = 1 + atomic_fetch_add(&work->done, 1);
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%u of %u cells ", done, work->count);
    }
    return ok;
}

static bool simulate_all(struct work *work, struct error *error)
{
    bool ok = parallel_for(work->count, 0, simulate_cell, work, error);
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r                        \r");
    }
    return ok;
}

static bool is_asked(const struct study_cell *cell, const struct option_list *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (text_equal(tables->values[i], cell->table)) {
            return true;
        }
    }
    return tables->count == 0;
}

static void print_pair(double published, double simulated, int digits)
{
    if (isnan(published) && isnan(simulated)) {
        printf("  %8s %8s %6s", "-", "-", "");
    } else if (isnan(published)) {
        printf("  %8s %8.*f %6s", "-", digits, simulated, "");
    } else if (isnan(simulated)) {
        printf("  %8.*f %8s %6s", digits, published, "-", "");
    } else {
        printf("  %8.*f %8.*f %+5.0f%%", digits, published, digits, simulated,
               100 * (simulated / published - 1));
    }
}

static void print_cell(const struct study_cell *cell, const struct study_numbers *simulated)
{
    printf("%-5s %-3s %-11s %-15s %4.0u %5.0u %2.0u %-8s", cell->table, cell->model,
           cell->model_kind, cell->method, cell->batch_size, cell->token_budget, cell->draft_tokens,
           cell->dataset);
    print_pair(cell->published.pass_time_s, simulated->pass_time_s, 0);
    print_pair(cell->published.tokens_per_s, simulated->tokens_per_s, 0);
    print_pair(cell->published.ttfvt_s, simulated->ttfvt_s, 2);
    print_pair(cell->published.mean_output_tokens, simulated->mean_output_tokens, 0);
    printf("  %5.1f ", cell->published.accuracy_pct);
    if (isnan(simulated->accuracy_pct)) {
        printf("%5s %s\n", "-", cell->suspect);
    } else {
        printf("%5.1f %s\n", simulated->accuracy_pct, cell->suspect);
    }
}

static void print_cells(const struct work *work)
{
    printf("%-5s %-3s %-11s %-15s %4s %5s %2s %-8s  %-24s  %-24s  %-24s  %-24s  %s\n", "table", "",
           "kind", "method", "b", "budg", "d", "dataset", "pass time, s", "tokens/s", "TTFVT, s",
           "output tokens", "accuracy, %");
    for (uint32_t i = 0; i < work->count; i++) {
        print_cell(work->cells[i], &work->simulated[i]);
    }
    printf("(each: published, simulated, error; - where the study prints nothing or the method is "
           "not simulated)\n");
}

/* Errors over the cells that are not suspect. */
static void print_errors(const struct work *work)
{
    printf("\n%-20s %6s %9s %9s %9s\n", "over all cells", "cells", "median", "p90", "bias");
    for (int m = 1; m < MEASURES; m++) {
        struct samples errors;
        struct samples signs;
        samples_init(&errors);
        samples_init(&signs);
        for (uint32_t i = 0; i < work->count; i++) {
            double published = measure(&work->cells[i]->published, m);
            double error = measure(&work->simulated[i], m) / published - 1;
            if (!isnan(error) && published > 0 && work->cells[i]->suspect[0] == '\0') {
                samples_add(&errors, 100 * fabs(error));
                samples_add(&signs, 100 * error);
            }
        }
        if (errors.count > 0) {
            printf("%-20s %6zu %7.1f %% %7.1f %% %+7.1f %%\n", measures[m], errors.count,
                   samples_quantile(&errors, 0.5), samples_quantile(&errors, 0.9),
                   samples_quantile(&signs, 0.5));
        }
        samples_clear(&errors);
        samples_clear(&signs);
    }
    uint32_t within = 0;
    uint32_t graded = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        double off = work->simulated[i].accuracy_pct - work->cells[i]->published.accuracy_pct;
        if (!isnan(off) && work->cells[i]->suspect[0] == '\0') {
            graded++;
            within += fabs(off) <= 1.96 * study_accuracy_error_pct(work->cells[i]);
        }
    }
    printf("%-20s %6u %u within the published 95 %% binomial interval\n", "accuracy_pct", graded,
           within);
}

static void write_value(struct csv_writer *writer, double value)
{
    char text[32] = "";
    if (!isnan(value)) {
        snprintf(text, sizeof text, "%.6g", value);
    }
    csv_write_text(writer, text);
}

static void write_count(struct csv_writer *writer, uint32_t value)
{
    write_value(writer, value > 0 ? (double)value : (double)NAN);
}

static bool write_csv(const struct work *work, const char *directory, const char *path,
                      struct error *error)
{
    struct output_file file;
    struct csv_writer writer;
    static const char *const first[] = {"table",      "model",        "model_kind",   "method",
                                        "batch_size", "token_budget", "draft_tokens", "dataset"};
    if (!output_file_open(&file, directory, path, error)) {
        return false;
    }
    csv_writer_init(&writer, file.stream);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        csv_write_text(&writer, first[i]);
    }
    for (int m = 0; m < MEASURES; m++) {
        char name[64];
        snprintf(name, sizeof name, "%s_published", measures[m]);
        csv_write_text(&writer, name);
        snprintf(name, sizeof name, "%s_simulated", measures[m]);
        csv_write_text(&writer, name);
    }
    csv_write_text(&writer, "suspect");
    csv_end_row(&writer);
    for (uint32_t i = 0; i < work->count; i++) {
        const struct study_cell *cell = work->cells[i];
        const char *const texts[] = {cell->table, cell->model, cell->model_kind, cell->method};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            csv_write_text(&writer, texts[k]);
        }
        write_count(&writer, cell->batch_size);
        write_count(&writer, cell->token_budget);
        write_count(&writer, cell->draft_tokens);
        csv_write_text(&writer, cell->dataset);
        for (int m = 0; m < MEASURES; m++) {
            write_value(&writer, measure(&cell->published, m));
            write_value(&writer, measure(&work->simulated[i], m));
        }
        csv_write_text(&writer, cell->suspect);
        csv_end_row(&writer);
    }
    csv_writer_flush(&writer);
    return output_file_commit(&file, error);
}

/* By series, then by time: lines are drawn in the order of the rows. */
static int compare_points(const void *a, const void *b)
{
    const struct study_point *first = a;
    const struct study_point *second = b;
    const char *const texts[][2] = {{first->model, second->model},
                                    {first->model_kind, second->model_kind},
                                    {first->dataset, second->dataset},
                                    {first->series, second->series}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int order = strcmp(texts[i][0], texts[i][1]);
        if (order != 0) {
            return order;
        }
    }
    return (first->at_s > second->at_s) - (first->at_s < second->at_s);
}

static bool write_points(const struct study_points *points, const char *directory,
                         struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, directory, "paper_running.csv", error)) {
        return false;
    }
    fprintf(file.stream, "model,model_kind,dataset,series,t_s,published,low,median,high\n");
    for (uint32_t i = 0; i < points->count; i++) {
        const struct study_point *point = &points->points[i];
        fprintf(file.stream, "%s,%s,%s,%s,%g,%g,%g,%g,%g\n", point->model, point->model_kind,
                point->dataset, point->series, point->at_s, point->published, point->low,
                point->middle, point->high);
    }
    return output_file_commit(&file, error);
}

/* The study's figures of batches over time, against the band of simulated passes. */
static bool report_batches(const char *directory, struct error *error)
{
    enum { BATCHES = 60 };
    struct study_points points;
    static const char *const series[] = {"running", "kv_pct"};
    if (!study_points_simulate(BATCHES, &points, error)) {
        return false;
    }
    printf("\nbatches of 16 over time: published points within the band of 90 %% of %d simulated "
           "passes\n",
           BATCHES);
    for (size_t s = 0; s < 2; s++) {
        uint32_t inside[2] = {0, 0};
        uint32_t count[2] = {0, 0};
        for (uint32_t i = 0; i < points.count; i++) {
            const struct study_point *point = &points.points[i];
            if (text_equal(point->series, series[s])) {
                int larger = text_equal(point->model, "14B");
                count[larger]++;
                inside[larger] +=
                    point->published >= point->low - 0.5 && point->published <= point->high + 0.5;
            }
        }
        printf("%-20s 7B %u of %u, 14B %u of %u\n", series[s], inside[0], count[0], inside[1],
               count[1]);
    }
    qsort(points.points, points.count, sizeof points.points[0], compare_points);
    bool ok = write_points(&points, directory, error);
    study_points_clear(&points);
    return ok;
}

static bool report(const struct work *work, const char *csv, const char *out, struct error *error)
{
    unsigned figures = 0;
    print_cells(work);
    print_errors(work);
    if (csv != NULL && !write_csv(work, NULL, csv, error)) {
        return false;
    }
    struct output_set set;
    bool ok = output_set_open(&set, out, figures_paper_names, error) &&
              write_csv(work, set.stage, "paper_tables.csv", error) &&
              (!work->with_batches ||
               (report_batches(set.stage, error) && study_load_report(set.stage, error))) &&
              figures_finish(&set, true, &figures, error);
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
    bool ok = output_set_open(&set, out, figures_experiment_names, &error) &&
              experiments_run(set.stage, &error) && figures_finish(&set, true, &figures, &error);
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
    struct work work = {.replications = (uint32_t)count, .with_batches = tables.count == 0};
    work.cells = memory_zeroed(cells.count, sizeof work.cells[0]);
    work.simulated = memory_zeroed(cells.count, sizeof work.simulated[0]);
    for (uint32_t i = 0; i < cells.count; i++) {
        if (is_asked(&cells.cells[i], &tables)) {
            work.cells[work.count++] = &cells.cells[i];
        }
    }
    bool ok = work.count > 0 || error_set(&error, "the study has no such table (1 to 23)");
    ok = ok && simulate_all(&work, &error) && report(&work, csv, out, &error);
    free(work.cells);
    free(work.simulated);
    study_cells_clear(&cells);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_paper = {
    .name = "paper",
    .arguments = "[TABLE...|experiments]",
    .summary = "the reference study's tables, simulated beside published",
    .details = "Tables 1 to 23 of arXiv 2510.18672; hardware and host are inferred once for all\n"
               "cells (ARCHITECTURE.md).\n\n"
               "  kvcast paper --csv paper.csv      all of them, batches and a load over time\n"
               "  kvcast paper 2 4\n"
               "  kvcast paper experiments          budgets, a mixed batch, formats, xPyD\n",
    .run = run,
};
