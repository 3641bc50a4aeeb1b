#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "calibration/latency_fit.h"
#include "calibration/step_fit.h"
#include "sim/base/json.h"
#include "sim/cli/options.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/step_cost_file.h"

static void print_report(const struct measured_run *run, const struct fit_report *report)
{
    printf("%s: GPU time of steps in sweep jobs, |predicted / measured - 1|\n", run->path);
    printf("  %-38s %6s %8s %8s %10s\n", "regime", "spans", "median", "p95", "held out");
    for (int i = 0; i < STEP_REGIMES; i++) {
        const struct fit_error *one = &report->errors[i];
        printf("  %-38s %6u %6.2f %% %6.2f %% %8.2f %%\n", one->regime, one->spans, one->median_pct,
               one->p95_pct, one->held_out_median_pct);
    }
}

static void add_report(struct json *document, const struct measured_run *run,
                       const struct fit_report *report)
{
    struct json *fit = json_add_object(document, "fit");
    json_add_text(fit, "run", run->name);
    json_add_text(fit, "jobs", "sweep");
    struct json *errors = json_add_array(fit, "errors");
    for (int i = 0; i < STEP_REGIMES; i++) {
        const struct fit_error *one = &report->errors[i];
        struct json *item = json_add_object(errors, NULL);
        json_add_text(item, "regime", one->regime);
        json_add_number(item, "spans", one->spans);
        json_add_number(item, "median_pct", round(one->median_pct * 100) / 100);
        json_add_number(item, "p95_pct", round(one->p95_pct * 100) / 100);
        json_add_number(item, "held_out_median_pct", round(one->held_out_median_pct * 100) / 100);
    }
}

/* Without steps: the nearest shipped calibration, stretched to match latencies. */
static bool fit_to_latencies(const struct measured_run *measured, const char *start,
                             struct step_cost *cost, struct json *document, struct error *error)
{
    struct cost_request request = measured_engine_cost_request(&measured->engine, start);
    char warning[COST_WARNING_BYTES];
    struct latency_fit_report report;
    if (!cost_choice_make(&request, cost, warning, error) ||
        !latency_fit_run(measured, cost, &report, error)) {
        return false;
    }
    step_cost_to_json(cost, document);
    struct json *fit = json_add_object(document, "fit");
    json_add_text(fit, "run", measured->name);
    json_add_text(fit, "fitted_to", "latencies of requests");
    json_add_number(fit, "decode_ratio", report.decode_ratio);
    json_add_number(fit, "attention_ratio", report.attention_ratio);
    json_add_number(fit, "prefill_ratio", report.prefill_ratio);
    json_add_number(fit, "overhead_ratio", report.overhead_ratio);
    printf("%s: no steps.csv, so fitted to the latencies of %u requests\n"
           "  times the nearest calibration: decode %.3f, attention %.3f, prefill %.3f, host and "
           "client %.3f\n"
           "  mean error per request: TTFT %.1f %%, first to last token %.2f %%\n",
           measured->path, measured->request_count, report.decode_ratio, report.attention_ratio,
           report.prefill_ratio, report.overhead_ratio, report.ttft_error_pct,
           report.decode_error_pct);
    return true;
}

static bool fit_to_steps(const struct measured_run *measured, struct step_cost *cost,
                         struct json *document, struct error *error)
{
    struct fit_report report;
    if (!step_fit_run(measured, cost, &report, error)) {
        return false;
    }
    step_cost_to_json(cost, document);
    add_report(document, measured, &report);
    print_report(measured, &report);
    printf("  pure decodes are %.1f %% slower in the heat of large prefills, which is not priced; "
           "with it their mean error is %.3f %%\n",
           report.throttling_pct, report.with_throttling_pct);
    printf("  decode steps measured up to %.0f requests and %.0f context tokens, others up to %.0f "
           "tokens; beyond, prices are extrapolated and counted as such\n",
           cost->decode.tokens[cost->decode.count - 1], cost->measured.context_tokens,
           cost->mixed.tokens[cost->mixed.count - 1]);
    return true;
}

/* What is written must be what 'run' reads. */
static bool check_written(const struct json *document, struct error *error)
{
    struct step_cost cost;
    struct json *read = NULL;
    char *text = json_print(document);
    bool ok =
        (json_parse(text, "calibration", &read, error) &&
         step_cost_from_json(&cost, read, "calibration", error)) ||
        error_add_place(error, "the measured run does not make a calibration that can be used");
    free(text);
    json_destroy(read);
    return ok;
}

static bool calibrate(const char *path, const char *start, const char *out, struct error *error)
{
    struct measured_run measured;
    struct step_cost cost;
    if (!measured_run_read(&measured, path, error)) {
        return false;
    }
    struct json *document = json_create_object();
    bool ok = (measured.step_count == 0 ? fit_to_latencies(&measured, start, &cost, document, error)
                                        : fit_to_steps(&measured, &cost, document, error)) &&
              check_written(document, error) && json_write_file(document, NULL, out, error);
    if (ok) {
        printf("written to %s\n", out);
    }
    json_destroy(document);
    measured_run_clear(&measured);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *out = NULL;
    const char *start = NULL;
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--out", "FILE", "where to write the calibration", OPTION_TEXT, &out},
        {"--cost", "SOURCE[:FILE]", "without steps.csv: the model to start from", OPTION_TEXT,
         &start},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count != 1 || out == NULL) {
        fprintf(stderr, "kvcast calibrate: expected one RUN_DIR and --out FILE\n");
        return EXIT_BAD_USAGE;
    }
    struct error error;
    return calibrate(positionals.values[0], start, out, &error) ? EXIT_DONE
                                                                : options_fail(error.message);
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments = "RUN_DIR --out FILE",
    .summary = "fit the step-cost model to a measured run",
    .details =
        "Fits to the sweep jobs of steps.csv; where nobody logged steps, to the latencies of\n"
        "requests.csv (calibration/MEASURED_RUN.md). A span is one step, or several whose ends did "
        "not show apart; every fifth is held\n"
        "out of a second fit to measure the error on what was not fitted.\n\n"
        "  kvcast calibrate calibration/measured/qwen7b-bf16 --out mine.json\n"
        "  kvcast run --cost calibrated:mine.json\n",
    .run = run,
};
