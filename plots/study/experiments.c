#include "plots/study/experiments.h"

#include <stdio.h>
#include <string.h>

#include "plots/study/caching_experiment.h"
#include "plots/study/length_experiment.h"
#include "plots/study/precision_experiment.h"
#include "sim/base/output_file.h"
#include "sim/base/units.h"
#include "sim/metrics/interval.h"
#include "sim/scenario/run_price.h"
#include "sim/scenario/scenario_run.h"

#define EXAMPLES "workloads/examples/"

struct outcome {
    struct run_summary summary;
    FILE *file; /* for the timeline; NULL: it is not wanted */
};

static bool note_outcome(void *context, const struct finished_run *run, struct error *error)
{
    (void)error;
    struct outcome *outcome = context;
    const struct timeline *timeline = simulation_timeline(run->simulation);
    outcome->summary = run_price_summarize(run);
    for (uint64_t i = 0; outcome->file != NULL && i < timeline->samples.kept_count; i++) {
        const struct timeline_sample *sample = &timeline->samples.kept[i];
        fprintf(outcome->file, "%.3f,%u,%.5f\n", s_from_ps(sample->at_ps), sample->state.running,
                (double)sample->state.used_blocks / timeline->total_blocks);
    }
    return true;
}

/* Runs a scenario with one setting changed. */
static bool run_with(const char *path, const char *key, const char *value, struct outcome *outcome,
                     struct error *error)
{
    char assignment[64];
    const struct option_list assignments = {{assignment}, 1};
    snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    return scenario_run_file(path, &assignments, note_outcome, outcome, error);
}

static double accuracy_pct(const struct run_summary *summary)
{
    return summary->requests.graded > 0 ? 100.0 * summary->requests.accuracy : 0;
}

/* (a) What a larger budget buys, and what it takes of the KV cache. */
static bool vary_budget(FILE *file, FILE *table, struct error *error)
{
    static const char *const budgets[] = {"1024", "2048", "4096", "8192", "16384"};
    fprintf(table, "7B on MATH-500: what a token budget buys (" EXAMPLES "budgets.json)\n"
                   "  budget  accuracy  KV peak  KV mean  output tokens/s   E2E p90\n");
    fprintf(file, "token_budget,accuracy_pct,kv_peak,kv_mean,output_tokens_per_s,e2e_p90_s\n");
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        struct outcome outcome = {.file = NULL};
        if (!run_with(EXAMPLES "budgets.json", "workload.token_budget", budgets[i], &outcome,
                      error)) {
            return false;
        }
        const struct run_summary *summary = &outcome.summary;
        fprintf(table, "  %6s %7.1f %% %6.1f %% %6.1f %% %16.0f %7.1f s\n", budgets[i],
                accuracy_pct(summary), 100 * summary->timeline.kv_peak,
                100 * summary->timeline.kv_mean, summary->throughput.output_tokens_per_s,
                summary->latency.e2e_s.p90);
        fprintf(file, "%s,%.3f,%.5f,%.5f,%.2f,%.3f\n", budgets[i], accuracy_pct(summary),
                summary->timeline.kv_peak, summary->timeline.kv_mean,
                summary->throughput.output_tokens_per_s, summary->latency.e2e_s.p90);
    }
    return true;
}

/* (b) Who is left of a batch of easy and hard questions. */
static bool watch_mixed_batch(FILE *file, FILE *table, struct error *error)
{
    struct outcome outcome = {.file = file};
    const struct option_list none = {.count = 0};
    fprintf(file, "time_s,running,kv_utilization\n");
    if (!scenario_run_file(EXAMPLES "mixed-batch.json", &none, note_outcome, &outcome, error)) {
        return false;
    }
    fprintf(table,
            "\nGSM8K and AIME-2024 in one batch (" EXAMPLES "mixed-batch.json)\n"
            "  under a quarter of the %u still running for %.0f %% of %.0f s\n",
            outcome.summary.timeline.running_peak,
            100 * outcome.summary.timeline.share_under_quarter, outcome.summary.makespan_s);
    return true;
}

/* (c) What a smaller weight format saves, and what it loses. */
static bool vary_format(FILE *file, FILE *table, struct error *error)
{
    static const char *const formats[] = {"bf16", "fp8", "gptq-int4-g128", "awq-int4-g128"};
    fprintf(
        table,
        "\n14B on AIME-2024: what a weight format saves and loses (" EXAMPLES "formats.json)\n"
        "  weights          output tokens/s  accuracy  right per GPU hour  USD per right answer\n");
    fprintf(file, "weights,output_tokens_per_s,accuracy_pct,accuracy_low_pct,accuracy_high_pct,"
                  "right_per_gpu_hour,usd_per_right_low,usd_per_right_high\n");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct outcome outcome = {.file = NULL};
        if (!run_with(EXAMPLES "formats.json", "model.weights", formats[i], &outcome, error)) {
            return false;
        }
        const struct run_price *price = &outcome.summary.price;
        fprintf(table, "  %-15s %16.0f %7.1f %% %19.0f %12.4f to %.4f\n", formats[i],
                outcome.summary.throughput.output_tokens_per_s, accuracy_pct(&outcome.summary),
                3600 * price->right_per_gpu_s, price->usd_per_right_answer_low,
                price->usd_per_right_answer_high);
        struct interval accuracy = interval_share((double)outcome.summary.requests.correct,
                                                  (double)outcome.summary.requests.graded);
        fprintf(file, "%s,%.2f,%.3f,%.3f,%.3f,%.2f,%.5f,%.5f\n", formats[i],
                outcome.summary.throughput.output_tokens_per_s, accuracy_pct(&outcome.summary),
                100 * accuracy.low, 100 * accuracy.high, 3600 * price->right_per_gpu_s,
                price->usd_per_right_answer_low, price->usd_per_right_answer_high);
    }
    return true;
}

/* One load on four GPUs, none set apart for prompts and then one, two, three of them. */
static bool vary_split_of(const char *load, const char *path, FILE *file, FILE *table,
                          struct error *error)
{
    static const struct {
        const char *name;
        struct option_list assignments;
    } splits[] = {
        {"none", {{"engine.instances=4"}, 1}},
        {"1P3D", {{"engine.prefill_instances=1", "engine.decode_instances=3"}, 2}},
        {"2P2D", {{"engine.prefill_instances=2", "engine.decode_instances=2"}, 2}},
        {"3P1D", {{"engine.prefill_instances=3", "engine.decode_instances=1"}, 2}},
    };
    fprintf(table,
            "\n%s on four GPUs: which to set apart for prompts (%s)\n"
            "  split   TTFT p90   TPOT p90    E2E p90  output tokens/s\n",
            load, path);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct outcome outcome = {.file = NULL};
        if (!scenario_run_file(path, &splits[i].assignments, note_outcome, &outcome, error)) {
            return false;
        }
        const struct run_summary *summary = &outcome.summary;
        fprintf(table, "  %-5s %8.2f s %7.1f ms %8.1f s %16.0f\n", splits[i].name,
                summary->latency.ttft_s.p90, 1000 * summary->latency.tpot_s.p90,
                summary->latency.e2e_s.p90, summary->throughput.output_tokens_per_s);
        fprintf(file, "%s,%s,%.5f,%.5f,%.4f,%.2f\n", load, splits[i].name,
                summary->latency.ttft_s.p90, 1000 * summary->latency.tpot_s.p90,
                summary->latency.e2e_s.p90, summary->throughput.output_tokens_per_s);
    }
    return true;
}

/* (d) How many GPUs to set apart for prompts. */
static bool vary_split(FILE *file, FILE *table, struct error *error)
{
    fprintf(file, "load,split,ttft_p90_s,tpot_p90_ms,e2e_p90_s,output_tokens_per_s\n");
    return vary_split_of("long answers", EXAMPLES "ratios-reasoning.json", file, table, error) &&
           vary_split_of("long prompts", EXAMPLES "ratios-long-prompts.json", file, table, error);
}

bool experiments_run(const char *directory, FILE *table, struct error *error)
{
    static const struct {
        const char *file;
        bool (*run)(FILE *file, FILE *table, struct error *error);
    } experiments[] = {{"experiment_budgets.csv", vary_budget},
                       {"experiment_mixed.csv", watch_mixed_batch},
                       {"experiment_formats.csv", vary_format},
                       {"experiment_ratios.csv", vary_split},
                       {"experiment_caching.csv", caching_experiment_run},
                       {"experiment_precisions.csv", precision_experiment_run},
                       {"experiment_lengths.csv", length_experiment_run}};
    for (size_t i = 0; i < sizeof experiments / sizeof experiments[0]; i++) {
        struct output_file file;
        if (!output_file_open(&file, directory, experiments[i].file, error)) {
            return false;
        }
        if (!experiments[i].run(file.stream, table, error)) {
            output_file_discard(&file);
            return false;
        }
        if (!output_file_commit(&file, error)) {
            return false;
        }
    }
    return true;
}
