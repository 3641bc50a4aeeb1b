#include "plots/study/study_scores.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/parallel.h"
#include "sim/base/text.h"
#include "sim/metrics/samples.h"

const char *const study_measures[STUDY_MEASURES] = {"accuracy_pct", "mean_output_tokens",
                                                    "pass_time_s", "tokens_per_s", "ttfvt_s"};

static double value_of(const struct study_numbers *numbers, int i)
{
    const double values[STUDY_MEASURES] = {numbers->accuracy_pct, numbers->mean_output_tokens,
                                           numbers->pass_time_s, numbers->tokens_per_s,
                                           numbers->ttfvt_s};
    return values[i];
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

bool study_results_create(struct study_results *results, const struct study_cells *cells,
                          const struct option_list *tables, struct error *error)
{
    *results = (struct study_results){.count = 0};
    results->cells = memory_zeroed((size_t)cells->count + 1, sizeof results->cells[0]);
    results->simulated = memory_zeroed((size_t)cells->count + 1, sizeof results->simulated[0]);
    for (uint32_t i = 0; i < cells->count; i++) {
        if (is_asked(&cells->cells[i], tables)) {
            results->cells[results->count++] = &cells->cells[i];
        }
    }
    if (results->count == 0) {
        study_results_clear(results);
        return error_set(error, "the study has no such table (1 to 23)");
    }
    return true;
}

void study_results_clear(struct study_results *results)
{
    free(results->cells);
    free(results->simulated);
    *results = (struct study_results){.count = 0};
}

struct cell_work {
    struct study_results *results;
    uint32_t replications;
    study_progress *on_cell;
};

static bool simulate_cell(void *context, uint32_t index, struct error *error)
{
    const struct cell_work *work = context;
    bool ok = study_simulate(work->results->cells[index], work->replications,
                             &work->results->simulated[index], error);
    work->on_cell(work->results->count);
    return ok;
}

bool study_results_simulate(struct study_results *results, uint32_t replications,
                            study_progress *on_cell, struct error *error)
{
    struct cell_work work = {results, replications, on_cell};
    return parallel_for(results->count, 0, simulate_cell, &work, error);
}

static void print_pair(FILE *table, double published, double simulated, int digits)
{
    if (isnan(published) && isnan(simulated)) {
        fprintf(table, "  %8s %8s %6s", "-", "-", "");
    } else if (isnan(published)) {
        fprintf(table, "  %8s %8.*f %6s", "-", digits, simulated, "");
    } else if (isnan(simulated)) {
        fprintf(table, "  %8.*f %8s %6s", digits, published, "-", "");
    } else {
        fprintf(table, "  %8.*f %8.*f %+5.0f%%", digits, published, digits, simulated,
                100 * (simulated / published - 1));
    }
}

static void print_cell(FILE *table, const struct study_cell *cell,
                       const struct study_numbers *simulated)
{
    fprintf(table, "%-5s %-3s %-11s %-15s %4.0u %5.0u %2.0u %-8s", cell->table, cell->model,
            cell->model_kind, cell->method, cell->batch_size, cell->token_budget,
            cell->draft_tokens, cell->dataset);
    print_pair(table, cell->published.pass_time_s, simulated->pass_time_s, 0);
    print_pair(table, cell->published.tokens_per_s, simulated->tokens_per_s, 0);
    print_pair(table, cell->published.ttfvt_s, simulated->ttfvt_s, 2);
    print_pair(table, cell->published.mean_output_tokens, simulated->mean_output_tokens, 0);
    fprintf(table, "  %5.1f ", cell->published.accuracy_pct);
    if (isnan(simulated->accuracy_pct)) {
        fprintf(table, "%5s %s\n", "-", cell->suspect);
    } else {
        fprintf(table, "%5.1f %s\n", simulated->accuracy_pct, cell->suspect);
    }
}

void study_results_print(const struct study_results *results, FILE *table)
{
    fprintf(table, "%-5s %-3s %-11s %-15s %4s %5s %2s %-8s  %-24s  %-24s  %-24s  %-24s  %s\n",
            "table", "", "kind", "method", "b", "budg", "d", "dataset", "pass time, s", "tokens/s",
            "TTFVT, s", "output tokens", "accuracy, %");
    for (uint32_t i = 0; i < results->count; i++) {
        print_cell(table, results->cells[i], &results->simulated[i]);
    }
    fprintf(table,
            "(each: published, simulated, error; - where the study prints nothing or the method is "
            "not simulated)\n");
}

/* What was inferred from the study's own cells, and the tables whose times gave it. Predictions for
 * the other tables owe nothing to their times. */
const struct study_constant study_constants[] = {
    {"7B on 2, 14B on 4 x RTX 4090", "GPUs by its scripts, KV cache of its figures", ""},
    {"32B on 4 x RTX A6000", "decode steps of Table 6; its scripts start 8 GPUs", "6"},
    {"1.5 ms of host time a step", "decode steps of 7B", "2"},
    {"9 ms of front end a request", "time to first token by batch size", "3"},
    {"drafting: 1.2 ms a request and 0.65 us a token", "steps with and without speculation", "18"},
    {"0.32 to 0.50 of drafts accepted, by dataset and kind", "output tokens, no times", ""},
    {"INT4 through Marlin, bitsandbytes at 0.18 of bf16's rate", "passes by weight format", "11"},
    {"8192 tokens as the longest request where KV is moved", "no request is preempted", "1"},
    {"spread of traditional lengths", "passes by batch size", "3 5 7"},
    {"spread of GSM8K's lengths", "passes of 7B", "2"},
    {.what = NULL},
};

/* The table's name stands in a list of names between spaces. */
static bool names_table(const char *list, const char *table)
{
    size_t length = strlen(table);
    for (const char *at = strstr(list, table); at != NULL && *at != '\0';
         at = strstr(at + 1, table)) {
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

bool study_table_gave_constant(const char *table)
{
    for (const struct study_constant *one = study_constants; one->what != NULL; one++) {
        if (names_table(one->tables, table)) {
            return true;
        }
    }
    return false;
}

struct study_score study_score_of(const struct study_results *results, int measure,
                                  enum study_cells_kind kind)
{
    struct samples errors;
    struct samples signs;
    struct study_score score = {.cells = 0};
    assert(measure >= 0 && measure < STUDY_MEASURES);
    samples_init(&errors);
    samples_init(&signs);
    for (uint32_t i = 0; i < results->count; i++) {
        const struct study_cell *cell = results->cells[i];
        double published = value_of(&cell->published, measure);
        double error = value_of(&results->simulated[i], measure) / published - 1;
        bool gave = study_table_gave_constant(cell->table);
        bool wanted = kind == STUDY_ALL_CELLS || (kind == STUDY_CELLS_THAT_GAVE) == gave;
        if (wanted && !isnan(error) && published > 0 && cell->suspect[0] == '\0') {
            samples_add(&errors, 100 * fabs(error));
            samples_add(&signs, 100 * error);
        }
    }
    if (errors.count > 0) {
        score = (struct study_score){(uint32_t)errors.count, samples_quantile(&errors, 0.5),
                                     samples_quantile(&errors, 0.9), samples_quantile(&signs, 0.5)};
    }
    samples_clear(&errors);
    samples_clear(&signs);
    return score;
}

static void print_score(FILE *table, const char *name, const struct study_score *score)
{
    if (score->cells > 0) {
        fprintf(table, "%-20s %6u %7.1f %% %7.1f %% %+7.1f %%\n", name, score->cells,
                score->median_pct, score->p90_pct, score->bias_pct);
    }
}

static void print_scores_of(const struct study_results *results, enum study_cells_kind kind,
                            const char *title, FILE *table)
{
    fprintf(table, "\n%-20s %6s %9s %9s %9s\n", title, "cells", "median", "p90", "bias");
    for (int m = 1; m < STUDY_MEASURES; m++) {
        struct study_score score = study_score_of(results, m, kind);
        print_score(table, study_measures[m], &score);
    }
}

void study_scores_print(const struct study_results *results, FILE *table)
{
    uint32_t within = 0;
    uint32_t graded = 0;
    print_scores_of(results, STUDY_ALL_CELLS, "over all cells", table);
    for (uint32_t i = 0; i < results->count; i++) {
        double off = results->simulated[i].accuracy_pct - results->cells[i]->published.accuracy_pct;
        if (!isnan(off) && results->cells[i]->suspect[0] == '\0') {
            graded++;
            within += fabs(off) <= 1.96 * study_accuracy_error_pct(results->cells[i]);
        }
    }
    fprintf(table, "%-20s %6u %u within the published 95 %% binomial interval\n", "accuracy_pct",
            graded, within);
    print_scores_of(results, STUDY_CELLS_THAT_GAVE, "gave a constant", table);
    print_scores_of(results, STUDY_CELLS_THAT_GAVE_NONE, "gave none", table);
}

void study_constants_print(FILE *table)
{
    fprintf(table, "\ninferred from the study's own times, and from which tables\n");
    for (const struct study_constant *one = study_constants; one->what != NULL; one++) {
        fprintf(table, "  %-58s %-6s %s\n", one->what, one->tables[0] != '\0' ? one->tables : "-",
                one->from);
    }
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

bool study_results_write(const struct study_results *results, const char *directory,
                         const char *path, struct error *error)
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
    for (int m = 0; m < STUDY_MEASURES; m++) {
        char name[64];
        snprintf(name, sizeof name, "%s_published", study_measures[m]);
        csv_write_text(&writer, name);
        snprintf(name, sizeof name, "%s_simulated", study_measures[m]);
        csv_write_text(&writer, name);
    }
    csv_write_text(&writer, "suspect");
    csv_write_text(&writer, "gave_constant");
    csv_end_row(&writer);
    for (uint32_t i = 0; i < results->count; i++) {
        const struct study_cell *cell = results->cells[i];
        const char *const texts[] = {cell->table, cell->model, cell->model_kind, cell->method};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            csv_write_text(&writer, texts[k]);
        }
        write_count(&writer, cell->batch_size);
        write_count(&writer, cell->token_budget);
        write_count(&writer, cell->draft_tokens);
        csv_write_text(&writer, cell->dataset);
        for (int m = 0; m < STUDY_MEASURES; m++) {
            write_value(&writer, value_of(&cell->published, m));
            write_value(&writer, value_of(&results->simulated[i], m));
        }
        csv_write_text(&writer, cell->suspect);
        csv_write_text(&writer, study_table_gave_constant(cell->table) ? "1" : "0");
        csv_end_row(&writer);
    }
    csv_writer_flush(&writer);
    return output_file_commit(&file, error);
}
