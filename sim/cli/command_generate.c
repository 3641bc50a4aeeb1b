#include <stdio.h>

#include "sim/base/output_file.h"
#include "sim/cli/options.h"
#include "sim/hardware/checkpoint.h"
#include "sim/hardware/model_catalog.h"
#include "sim/scenario/scenario_file.h"
#include "sim/scenario/scenario_run.h"

static bool write_trace(struct workload *workload, const char *path, struct error *error)
{
    struct output_file file;
    struct trace_request request;
    bool more = true;
    bool ok = true;
    if (!output_file_open(&file, NULL, path, error)) {
        return false;
    }
    bool has_delays =
        workload->generator == NULL && csv_find(&workload->replay.reader.csv, "delay_s") >= 0;
    trace_write_header(file.stream, has_delays);
    while (ferror(file.stream) == 0 && (ok = workload_next(workload, &request, &more, error)) &&
           more) {
        trace_write(file.stream, &request, &workload->datasets, has_delays);
    }
    if (!ok) {
        output_file_discard(&file);
        return false;
    }
    return output_file_commit(&file, error);
}

/* Requests depend on the model and its formats, so their names are looked up here too. */
static bool open_workload(const struct scenario *scenario, struct workload *workload,
                          struct error *error)
{
    struct model_shape model;
    const struct weight_precision *weights = NULL;
    const struct kv_precision *kv = NULL;
    if (!model_shape_find(scenario->model.name, &model, error) ||
        !checkpoint_choose(&model, scenario->model.weights, &weights, error) ||
        !kv_precision_find(scenario->model.kv_cache, &kv, error)) {
        return false;
    }
    const struct served_model served = {model.name, weights->name, kv->name};
    return scenario_run_workload(scenario, &served, workload, error);
}

/* What is known of the lengths that are drawn. */
static void say_assumptions(const struct workload *workload)
{
    struct generator_notes notes;
    for (uint32_t i = 0;
         workload->generator != NULL && generator_note(workload->generator, i, &notes); i++) {
        if (notes.lengths[0] != '\0') {
            fprintf(stderr, "kvcast: warning: %s\n", notes.lengths);
        }
    }
}

static int run(const struct command *command, int argc, char **argv)
{
    struct option_list assignments = {.count = 0};
    struct option_list positionals = {.count = 0};
    const char *out = "-";
    const char *seed = NULL;
    const struct option options[] = {
        {"--set", "KEY=VALUE", "override a setting of the scenario", OPTION_LIST, &assignments},
        {"--seed", "N", "seed of all randomness", OPTION_TEXT, &seed},
        {"--out", "FILE", "write there (default standard output)", OPTION_TEXT, &out},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    struct scenario scenario;
    struct error error;
    struct workload workload = {.count = 0};
    const char *path = positionals.count > 0 ? positionals.values[0] : NULL;
    if (!scenario_file_read(&scenario, path, &assignments, seed, &error)) {
        return options_fail(error.message);
    }
    bool ok = open_workload(&scenario, &workload, &error);
    if (ok) {
        say_assumptions(&workload);
        ok = write_trace(&workload, out, &error);
    }
    workload_close(&workload);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_generate = {
    .name = "generate",
    .arguments = "[SCENARIO]",
    .summary = "make a request trace from a scenario's workload",
    .details = "The format is described in traces/FORMAT.md.\n\n"
               "  kvcast generate --set workload.requests=100 --out trace.csv\n"
               "  kvcast run --set workload.trace=trace.csv\n",
    .run = run,
};
