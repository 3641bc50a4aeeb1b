#include "plots/study/study_load.h"

#include <stdio.h>

#include "plots/study/study_points.h"
#include "sim/base/csv.h"
#include "sim/base/output_file.h"
#include "sim/base/units.h"
#include "sim/scenario/scenario_run.h"

#define SCENARIO "workloads/examples/study-load.json"
#define PUBLISHED "plots/study/data/kv-and-running-14b-gamma-math500.csv"

enum { SEEDS = 5 };

static const struct load_model {
    const char *kind;
    const char *assignment;
    const char *kv_column;
    const char *running_column;
} models[] = {
    {"reasoning", "model.name=DeepSeek-R1-Distill-Qwen-14B", "rllm_math500_kv_pct",
     "rllm_math500_running"},
    {"traditional", "model.name=Qwen2.5-14B", "llm_math500_kv_pct", "llm_math500_running"},
};

/* Means over the lines of a log, from the start to the last request's end. */
struct load_means {
    double kv_pct;
    double full_pct; /* share of lines with at least 95 % in use */
    double running;
    double until_s;
};

/* Sums of lines; those after the last with anything in them do not count. */
struct load_sums {
    double kv_pct;
    uint32_t full;
    double running;
    uint32_t lines;
};

static void add_line(struct load_sums *sums, double kv_pct, double running)
{
    sums->kv_pct += kv_pct;
    sums->full += kv_pct >= 95;
    sums->running += running;
    sums->lines++;
}

static struct load_means means_of(const struct load_sums *sums)
{
    double lines = sums->lines > 0 ? sums->lines : 1;
    return (struct load_means){.kv_pct = sums->kv_pct / lines,
                               .full_pct = 100.0 * sums->full / lines,
                               .running = sums->running / lines,
                               .until_s = lines * STUDY_LOG_INTERVAL_S};
}

static void write_line(FILE *file, const char *kind, const char *source, double at_s, double kv_pct,
                       double running)
{
    fprintf(file, "%s,%s,%.0f,%.2f,%.0f\n", kind, source, at_s, kv_pct, running);
}

/* A field that may be empty, for 0. */
static bool read_or_zero(const struct csv_reader *csv, const char *name, double *ret_value,
                         struct error *error)
{
    size_t column = 0;
    *ret_value = 0;
    return csv_require(csv, name, &column, error) &&
           (csv->fields[column][0] == '\0' || csv_double(csv, column, 0, 1e6, ret_value, error));
}

static bool read_published(const struct load_model *model, FILE *file, struct load_means *ret_means,
                           struct error *error)
{
    struct csv_reader csv;
    struct load_sums sums = {.lines = 0};
    uint32_t idle = 0; /* lines with nothing in them, perhaps the end */
    bool more = true;
    if (!csv_open(&csv, PUBLISHED, NULL, error)) {
        return false;
    }
    bool ok = true;
    while (ok && (ok = csv_next(&csv, &more, error)) && more) {
        double kv_pct = 0;
        double running = 0;
        ok = read_or_zero(&csv, model->kv_column, &kv_pct, error) &&
             read_or_zero(&csv, model->running_column, &running, error);
        if (ok && kv_pct <= 0 && running <= 0) {
            idle++;
            continue;
        }
        for (; idle > 0; idle--) {
            add_line(&sums, 0, 0);
        }
        write_line(file, model->kind, "published", sums.lines * (double)STUDY_LOG_INTERVAL_S,
                   kv_pct, running);
        add_line(&sums, kv_pct, running);
    }
    csv_close(&csv);
    *ret_means = means_of(&sums);
    return ok;
}

/* Where the lines of a run go. */
struct log_of_run {
    const struct load_model *model;
    FILE *file; /* or NULL */
    struct load_sums *sums;
};

static bool note_lines(void *context, const struct finished_run *run, struct error *error)
{
    (void)error;
    const struct log_of_run *log = context;
    const struct timeline *timeline = simulation_timeline(run->simulation);
    for (uint64_t i = 0; i < timeline->samples.kept_count; i++) {
        const struct timeline_sample *sample = &timeline->samples.kept[i];
        double kv_pct = 100.0 * sample->state.used_blocks / timeline->total_blocks;
        add_line(log->sums, kv_pct, sample->state.running);
        if (log->file != NULL) {
            write_line(log->file, log->model->kind, "simulated", s_from_ps(sample->at_ps), kv_pct,
                       sample->state.running);
        }
    }
    return true;
}

static bool simulate(struct log_of_run *log, uint32_t seed, struct error *error)
{
    char seed_assignment[32];
    char interval[48];
    snprintf(seed_assignment, sizeof seed_assignment, "seed=%u", seed);
    snprintf(interval, sizeof interval, "metrics.timeline_interval_s=%d", STUDY_LOG_INTERVAL_S);
    const struct option_list assignments = {{log->model->assignment, seed_assignment, interval}, 3};
    return scenario_run_file(SCENARIO, &assignments, note_lines, log, error);
}

static bool report_model(const struct load_model *model, FILE *file, FILE *table,
                         struct error *error)
{
    struct load_means published;
    struct load_sums sums = {.lines = 0};
    if (!read_published(model, file, &published, error)) {
        return false;
    }
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct log_of_run log = {.model = model, .file = seed == 1 ? file : NULL, .sums = &sums};
        if (!simulate(&log, seed, error)) {
            return false;
        }
    }
    struct load_means simulated = means_of(&sums);
    fprintf(table,
            "%-12s KV mean %5.1f %% (%.1f), at 95 %% and more %5.1f %% of the time (%.1f), running "
            "%5.1f (%.1f), done after %.0f s (%.0f)\n",
            model->kind, simulated.kv_pct, published.kv_pct, simulated.full_pct, published.full_pct,
            simulated.running, published.running, simulated.until_s / SEEDS, published.until_s);
    return true;
}

bool study_load_report(const char *directory, FILE *table, struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, directory, "paper_load.csv", error)) {
        return false;
    }
    fprintf(table,
            "\nGamma load, 14B on MATH-500: simulated (published); arrivals inferred from the "
            "traditional curve\n");
    fprintf(file.stream, "model_kind,source,time_s,kv_pct,running\n");
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (!report_model(&models[i], file.stream, table, error)) {
            output_file_discard(&file);
            return false;
        }
    }
    return output_file_commit(&file, error);
}
