#include <math.h>
#include <stdio.h>

#include "calibration/step_fit.h"
#include "sim/base/json.h"
#include "sim/cli/commands.h"

static void print_report(const struct measured_run *run, const struct fit_report *report)
{
    printf("%s: GPU time of steps in sweep jobs, |predicted / measured - 1|\n", run->path);
    printf("  %-38s %6s %8s %8s %10s\n", "regime", "spans", "median", "p95", "held out");
    for (int i = 0; i < FIT_REGIMES; i++) {
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
    for (int i = 0; i < FIT_REGIMES; i++) {
        const struct fit_error *one = &report->errors[i];
        struct json *item = json_add_object(errors, NULL);
        json_add_text(item, "regime", one->regime);
        json_add_number(item, "spans", one->spans);
        json_add_number(item, "median_pct", round(one->median_pct * 100) / 100);
        json_add_number(item, "p95_pct", round(one->p95_pct * 100) / 100);
        json_add_number(item, "held_out_median_pct", round(one->held_out_median_pct * 100) / 100);
    }
}

static bool calibrate(const char *path, const char *out, struct error *error)
{
    struct measured_run measured;
    struct step_cost cost;
    struct fit_report report;
    if (!measured_run_read(&measured, path, error)) {
        return false;
    }
    bool ok = step_fit_run(&measured, &cost, &report, error);
    if (ok) {
        struct json *document = json_create_object();
        step_cost_to_json(&cost, document);
        add_report(document, &measured, &report);
        ok = json_write_file(document, NULL, out, error);
        json_destroy(document);
    }
    if (ok) {
        print_report(&measured, &report);
        printf("written to %s\n", out);
    }
    measured_run_clear(&measured);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *out = NULL;
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--out", "FILE", "where to write the calibration", OPTION_TEXT, &out},
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
    return calibrate(positionals.values[0], out, &error) ? EXIT_DONE : options_fail(error.message);
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments = "RUN_DIR --out FILE",
    .summary = "fit the step-cost model to the sweep jobs of a measured run",
    .details = "A span is one step, or several whose ends did not show apart; every fifth is held\n"
               "out of a second fit to measure the error on what was not fitted.\n\n"
               "  kvcast calibrate calibration/measured/qwen7b-bf16 --out mine.json\n"
               "  kvcast run --cost calibrated:mine.json\n",
    .run = run,
};
