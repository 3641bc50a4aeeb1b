#include "plots/study/study_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/study/study.h"
#include "plots/study/study_items.h"
#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/metrics/samples.h"
#include "sim/scenario/scenario_run.h"

static void add_point(struct study_points *points, size_t *capacity,
                      const struct study_point *point)
{
    if (!isnan(point->published)) {
        points->points = memory_grow(points->points, capacity, (size_t)points->count + 1,
                                     sizeof points->points[0]);
        points->points[points->count++] = *point;
    }
}

/* One row holds the reasoning model's value and, in the 7B figure, the traditional one's. */
static bool read_points(struct study_points *points, size_t *capacity, const char *path,
                        const char *model, const char *dataset, struct error *error)
{
    struct csv_reader csv;
    bool more = true;
    bool ok = csv_open(&csv, path, NULL, error);
    if (!ok) {
        return false;
    }
    while ((ok = csv_next(&csv, &more, error)) && more) {
        struct study_point point = {.published = NAN};
        double traditional = NAN;
        snprintf(point.model, sizeof point.model, "%s", model);
        snprintf(point.dataset, sizeof point.dataset, "%s", dataset);
        ok = study_read_text(&csv, "series", point.series, sizeof point.series, error) &&
             study_read_number(&csv, "t_s", &point.at_s, error) &&
             study_read_number(&csv, "rllm", &point.published, error);
        if (ok && csv_find(&csv, "llm") >= 0) {
            ok = study_read_text(&csv, "dataset", point.dataset, sizeof point.dataset, error) &&
                 study_read_number(&csv, "llm", &traditional, error);
        }
        if (!ok) {
            break;
        }
        snprintf(point.model_kind, sizeof point.model_kind, "reasoning");
        add_point(points, capacity, &point);
        point.published = traditional;
        snprintf(point.model_kind, sizeof point.model_kind, "traditional");
        add_point(points, capacity, &point);
    }
    csv_close(&csv);
    return ok;
}

static double value_at(const struct simulation *simulation, const struct study_point *point,
                       uint32_t delay_s)
{
    const struct timeline *timeline = simulation_timeline(simulation);
    uint64_t index = (uint64_t)point->at_s + delay_s;
    if (index >= timeline->samples.kept_count) {
        return 0;
    }
    const struct timeline_state *state = &timeline->samples.kept[index].state;
    return text_equal(point->series, "running")
               ? state->running
               : 100.0 * state->used_blocks / timeline->total_blocks;
}

/* As the figures spell them. */
static const char *table_name(const char *dataset)
{
    return text_equal(dataset, "GSM8K")      ? "GSM8k"
           : text_equal(dataset, "AIME2024") ? "AIME24"
                                             : dataset;
}

/* Runs past the last of the points, not to the end of the pass. */
static void run_past(struct simulation *simulation, struct study_point *const *points,
                     uint32_t count)
{
    double last_s = 0;
    for (uint32_t k = 0; k < count; k++) {
        last_s = fmax(last_s, points[k]->at_s);
    }
    while (simulation_now_ps(simulation) < ps_from_s(last_s + 2 * STUDY_LOG_INTERVAL_S) &&
           simulation_step(simulation)) {
    }
    simulation_settle(simulation);
}

/* Bands of all points of one curve: same model, kind and dataset. A pass is batch after batch, and
 * so are the curves: models that are done with a batch in 20 s use the cache again after 30. */
static bool simulate_curve(struct study_point *const *points, uint32_t count, uint32_t replications,
                           struct error *error)
{
    enum { FIGURE_BUDGET = 20480 };
    struct study_cell cell = {.token_budget = FIGURE_BUDGET};
    struct scenario scenario;
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    snprintf(cell.model, sizeof cell.model, "%s", points[0]->model);
    snprintf(cell.model_kind, sizeof cell.model_kind, "%s", points[0]->model_kind);
    snprintf(cell.method, sizeof cell.method, "baseline");
    snprintf(cell.dataset, sizeof cell.dataset, "%s", table_name(points[0]->dataset));
    if (!study_scenario(&cell, &scenario)) {
        return error_set(error, "the study has no '%s' on '%s'", cell.model, cell.dataset);
    }
    scenario.metrics.timeline_interval_ps = PS_PER_S;
    struct request *requests = memory_zeroed(scenario.workload.requests, sizeof requests[0]);
    struct samples *values = memory_zeroed(count, sizeof values[0]);
    bool ok = deployment_resolve(&deployment, &scenario, error) &&
              scenario_run_init(&run, &scenario, &deployment, error);
    for (uint32_t i = 0; ok && i < replications; i++) {
        ok = study_items_make(&scenario, &run, 1000 + i, requests, error);
        if (ok) {
            struct simulation *simulation =
                simulation_create(&run.settings, requests, scenario.workload.requests);
            run_past(simulation, points, count);
            for (uint32_t k = 0; k < count; k++) {
                samples_add(&values[k], value_at(simulation, points[k], i % STUDY_LOG_INTERVAL_S));
            }
            simulation_destroy(simulation);
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        if (ok) {
            points[k]->low = samples_quantile(&values[k], 0.05);
            points[k]->middle = samples_quantile(&values[k], 0.5);
            points[k]->high = samples_quantile(&values[k], 0.95);
        }
        samples_clear(&values[k]);
    }
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    free(requests);
    free(values);
    return ok;
}

static bool same_batch(const struct study_point *a, const struct study_point *b)
{
    return text_equal(a->model, b->model) && text_equal(a->model_kind, b->model_kind) &&
           text_equal(a->dataset, b->dataset);
}

bool study_points_simulate(uint32_t replications, struct study_points *points, struct error *error)
{
    size_t capacity = 0;
    *points = (struct study_points){NULL, 0};
    bool ok = read_points(points, &capacity, "plots/study/data/kv-and-running-7b-batch16.csv", "7B",
                          "", error) &&
              read_points(points, &capacity, "plots/study/data/kv-and-running-14b-batch16.csv",
                          "14B", "MATH500", error);
    struct study_point **batch = memory_zeroed((size_t)points->count + 1, sizeof batch[0]);
    bool *is_done = memory_zeroed((size_t)points->count + 1, sizeof is_done[0]);
    for (uint32_t i = 0; ok && i < points->count; i++) {
        uint32_t count = 0;
        for (uint32_t k = i; !is_done[i] && k < points->count; k++) {
            if (same_batch(&points->points[i], &points->points[k])) {
                batch[count++] = &points->points[k];
                is_done[k] = k > i;
            }
        }
        ok = count == 0 || simulate_curve(batch, count, replications, error);
    }
    free(batch);
    free(is_done);
    if (!ok) {
        study_points_clear(points);
    }
    return ok;
}

void study_points_clear(struct study_points *points)
{
    free(points->points);
    *points = (struct study_points){NULL, 0};
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
bool study_points_report(const char *directory, FILE *table, struct error *error)
{
    enum { BATCHES = 60 };
    struct study_points points;
    static const char *const series[] = {"running", "kv_pct"};
    if (!study_points_simulate(BATCHES, &points, error)) {
        return false;
    }
    fprintf(table,
            "\nbatches of 16 over time: published points within the band of 90 %% of %d simulated "
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
        fprintf(table, "%-20s 7B %u of %u, 14B %u of %u\n", series[s], inside[0], count[0],
                inside[1], count[1]);
    }
    qsort(points.points, points.count, sizeof points.points[0], compare_points);
    bool ok = write_points(&points, directory, error);
    study_points_clear(&points);
    return ok;
}
