#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/output_set.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/cli/options.h"
#include "sim/cli/progress.h"
#include "sim/cli/run_tables.h"
#include "sim/cluster/server_metrics.h"
#include "sim/cluster/trace_events.h"
#include "sim/experiments/replications.h"
#include "sim/metrics/figure_interval.h"
#include "sim/pages/page.h"
#include "sim/pages/run_page.h"
#include "sim/report/figure_report.h"
#include "sim/report/interval_report.h"
#include "sim/report/plotting.h"
#include "sim/report/run_report.h"
#include "sim/scenario/run_price.h"
#include "sim/scenario/scenario_file.h"
#include "sim/scenario/scenario_run.h"

/* What report.html needs beside the files. */
struct page_options {
    bool is_left_out;
    char *command; /* as it was typed */
    struct warning_list warnings;
};

struct run_options {
    const char *scenario;
    struct option_list assignments;
    const char *seed;
    const char *cost;
    const char *policy;
    const char *out;
    bool no_plots;
    bool no_requests;
    const char *trace_events; /* file; NULL: none */
    const char *metrics;      /* file; NULL: none */
    bool all_refused;         /* no request was served */
    const char *stage;        /* where files are written; NULL: none are */
    bool json;                /* the summary on standard output instead of the tables */
    bool noise;
    bool stepwise;
    const char *replications_text;
    uint32_t replications; /* 1: just the run */
    struct percentile_list percentiles;
    struct page_options page;
};

/* The files of a run, written while it runs; they appear when it has ended well. */
struct run_files {
    struct output_file requests;
    struct output_file timeline;
    struct request_log log;
    struct csv_writer samples;
    uint32_t total_blocks;
    uint64_t samples_taken;
    struct output_file events_file;
    struct trace_events *events; /* NULL: none are written */
    struct output_file metrics_file;
    struct server_metrics metrics;
    struct observer observers[2]; /* of the two */
};

/* False when the files cannot take more: nobody waits for a run whose results are lost. */
static bool can_take_more(const struct run_files *files, struct error *error)
{
    enum { MAX_SAMPLES = 20000000 };
    const struct output_file *all[] = {&files->requests, &files->timeline, &files->events_file,
                                       &files->metrics_file};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i]->stream != NULL && ferror(all[i]->stream) != 0) {
            return error_set(error, "%s: a write failed, as it does on a full disk", all[i]->path);
        }
    }
    return files->samples_taken <= MAX_SAMPLES ||
           error_set(
               error,
               "timeline.csv: more than %d rows; raise 'metrics.timeline_interval_s' or set it "
               "to 0",
               MAX_SAMPLES);
}

/* The part of the work that is done; 0 when nobody can tell. */
static double fraction_done(const struct scenario_run *run, const struct scenario *scenario,
                            uint64_t done)
{
    return run->workload.generator != NULL && scenario->workload.requests > 0
               ? (double)done / (double)scenario->workload.requests
               : trace_replay_progress(&run->workload.replay);
}

/* Runs to the end; on a terminal, a line of progress for what takes more than a second. */
static bool simulate(struct simulation *simulation, const struct scenario_run *run,
                     const struct scenario *scenario, const struct run_files *files,
                     struct error *error)
{
    enum { EVENTS_BETWEEN_LOOKS = 1 << 16 };
    bool ok = true;
    struct progress progress;
    progress_start(&progress);
    while (ok && simulation_run_events(simulation, EVENTS_BETWEEN_LOOKS)) {
        const struct simulation_counts *counts = simulation_counts(simulation);
        uint64_t done = counts->finished + counts->rejected;
        char note[128];
        snprintf(note, sizeof note, "%llu requests done, simulated %.0f s",
                 (unsigned long long)done, s_from_ps(simulation_now_ps(simulation)));
        progress_show(&progress, fraction_done(run, scenario, done), note);
        ok = can_take_more(files, error);
    }
    progress_end(&progress);
    return ok && scenario_run_check(run, simulation, error);
}

static void write_sample(void *context, const struct timeline_sample *sample)
{
    struct run_files *files = context;
    files->samples_taken++;
    run_report_timeline_sample(sample, files->total_blocks, &files->samples);
}

/* Opens those whose names are not NULL, and leads the run's simulation to them. */
static bool open_files(struct run_files *files, struct scenario_run *run, const char *directory,
                       const char *requests, const char *timeline, struct error *error)
{
    struct simulation_settings *settings = &run->settings;
    if (timeline != NULL && settings->timeline_interval_ps > 0) {
        if (!output_file_open(&files->timeline, directory, timeline, error)) {
            return false;
        }
        files->total_blocks = 0;
        for (uint32_t g = 0; g < settings->group_count; g++) {
            files->total_blocks +=
                settings->groups[g].count * instance_config_blocks(settings->groups[g].config);
        }
        csv_writer_init(&files->samples, files->timeline.stream);
        run_report_timeline_header(&files->samples);
        settings->timeline_sink = (struct timeline_sink){.context = files, .take = write_sample};
    }
    if (requests != NULL) {
        if (!output_file_open(&files->requests, directory, requests, error)) {
            return false;
        }
        request_log_init(&files->log, files->requests.stream);
        run->log = &files->log;
    }
    return true;
}

static void observe(struct run_files *files, struct scenario_run *run, struct observer observer)
{
    struct observer_list *list = &run->settings.observers;
    assert(list->count < sizeof files->observers / sizeof files->observers[0]);
    files->observers[list->count++] = observer;
    list->observers = files->observers;
}

/* Trace events of the run, unless 'path' is NULL. */
static bool open_events(struct run_files *files, struct scenario_run *run, const char *path,
                        struct error *error)
{
    if (path == NULL) {
        return true;
    }
    if (!output_file_open(&files->events_file, NULL, path, error)) {
        return false;
    }
    files->events = trace_events_create(files->events_file.stream, run->dataset_names);
    observe(files, run, trace_events_observer(files->events));
    return true;
}

/* What a server would report at the end, unless 'path' is NULL. */
static bool open_metrics(struct run_files *files, struct scenario_run *run, const char *path,
                         struct error *error)
{
    const struct engine_settings *engine = &run->deployment->instance.engine;
    if (path == NULL) {
        return true;
    }
    if (!output_file_open(&files->metrics_file, NULL, path, error)) {
        return false;
    }
    server_metrics_init(&files->metrics, engine->prefix_caching, engine->max_model_len);
    observe(files, run, server_metrics_observer(&files->metrics));
    return true;
}

static bool commit_metrics(struct run_files *files, const struct finished_run *run,
                           struct error *error)
{
    if (files->metrics_file.stream == NULL) {
        return true;
    }
    server_metrics_write(&files->metrics, run->deployment->model.name,
                         simulation_itl(run->simulation), files->metrics_file.stream);
    return output_file_commit(&files->metrics_file, error);
}

static bool commit_files(struct run_files *files, struct error *error)
{
    if (files->events != NULL) {
        trace_events_finish(files->events);
        if (!output_file_commit(&files->events_file, error)) {
            return false;
        }
    }
    if (files->timeline.stream != NULL) {
        csv_writer_flush(&files->samples);
        if (!output_file_commit(&files->timeline, error)) {
            return false;
        }
    }
    if (files->requests.stream != NULL) {
        request_log_flush(&files->log);
        return output_file_commit(&files->requests, error);
    }
    return true;
}

static void close_files(struct run_files *files)
{
    trace_events_destroy(files->events);
    output_file_discard(&files->events_file);
    output_file_discard(&files->metrics_file);
    output_file_discard(&files->timeline);
    output_file_discard(&files->requests);
    request_log_clear(&files->log);
}

/* What the settings come to, for all instances or by group. */
static void add_derived(const struct deployment *deployment, struct json *derived)
{
    json_add_number(derived, "max_batch_tokens", deployment->instance.engine.max_batch_tokens);
    json_add_number(derived, "max_batch_requests", deployment->instance.engine.max_batch_requests);
    json_add_number(derived, "gpu_memory_utilization", deployment->memory_share);
    json_add_text(derived, "limits_rule", deployment->limits.rule);
    json_add_number(derived, "num_blocks", deployment->instance.engine.num_blocks);
    json_add_number(derived, "max_model_len", deployment->instance.engine.max_model_len);
    json_add_number(derived, "weight_gib_per_gpu", deployment->memory.weight_gib);
    json_add_text(derived, "cost_source", deployment->cost.identity.source);
    json_add_text(derived, "price_source", deployment->gpu.price_source);
    json_add_text(derived, "cost_name", deployment->cost.identity.name);
    struct json *groups = deployment->others != NULL ? json_add_array(derived, "groups") : NULL;
    for (uint32_t g = 0; groups != NULL && g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        struct json *group = json_add_object(groups, NULL);
        json_add_text(group, "gpu", part->gpu.name);
        json_add_number(group, "max_batch_tokens", part->instance.engine.max_batch_tokens);
        json_add_number(group, "max_batch_requests", part->instance.engine.max_batch_requests);
        json_add_number(group, "num_blocks", part->instance.engine.num_blocks);
        json_add_number(group, "max_model_len", part->instance.engine.max_model_len);
        json_add_text(group, "cost_name", part->cost.identity.name);
    }
}

/* What each of several instances did, of the first seed where there are more. */
static void add_instances(const struct simulation *simulation, struct json *document)
{
    uint32_t count = simulation_instance_count(simulation);
    struct json *list = count > 1 ? json_add_array(document, "instances") : NULL;
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        struct instance_figures figures = simulation_instance_figures(simulation, i);
        struct json *object = json_add_object(list, NULL);
        json_add_whole(object, "requests", figures.finished);
        json_add_whole(object, "output_tokens", figures.output_tokens);
        json_add_number(object, "busy_s", figures.busy_s);
        json_add_number(object, "kv_mean", figures.kv_mean);
        json_add_number(object, "kv_peak", figures.kv_peak);
        json_add_number(object, "on_s", figures.paid_s);
        json_add_whole(object, "failures", figures.failures);
    }
}

static bool write_summary(const struct finished_run *run, const struct run_summary *summary,
                          const struct replication_set *set, const struct run_options *chosen,
                          struct error *error)
{
    const struct deployment *deployment = run->deployment;
    struct json *document = json_create_object();
    json_add_number(document, "format_version", 1);
    json_add_text(document, "kvcast_version", KVCAST_VERSION);
    scenario_file_echo(run->scenario, json_add_object(document, "scenario"));
    struct json *derived = json_add_object(document, "derived");
    add_derived(deployment, derived);
    figure_report_results(summary, &chosen->percentiles, json_add_object(document, "results"));
    figure_report_price(summary, json_add_object(document, "price"));
    add_instances(run->simulation, document);
    if (set->count > 1) {
        struct json *replications = json_add_object(document, "replications");
        json_add_number(replications, "count", set->count);
        json_add_number(replications, "level", INTERVAL_REPORT_LEVEL);
        json_add_text(replications, "prices", deployment->price_confidence);
        interval_report_json(set, json_add_object(replications, "intervals"));
    }
    bool ok =
        chosen->stage == NULL || json_write_file(document, chosen->stage, "summary.json", error);
    ok = ok && (!chosen->json || json_write_file(document, NULL, "-", error));
    json_destroy(document);
    return ok;
}

/* Each replication's figures; nothing where there is but one run. */
static bool write_replications(const struct replication_set *set, const char *directory,
                               struct error *error)
{
    struct output_file file;
    if (set->count < 2 || directory == NULL) {
        return true;
    }
    if (!output_file_open(&file, directory, "replications.csv", error)) {
        return false;
    }
    interval_report_csv(set, file.stream);
    return output_file_commit(&file, error);
}

static void print_contrast(const struct deployment *deployment, struct simulation *simulation,
                           FILE *table)
{
    struct run_summary summary = simulation_summarize(simulation);
    fprintf(
        table,
        "\ncontrast      %s on the same load: KV mean %.1f %%, peak %.1f %%; running mean %.1f, "
        "peak %u\n",
        deployment->model.name, 100 * summary.timeline.kv_mean, 100 * summary.timeline.kv_peak,
        summary.timeline.running_mean, summary.timeline.running_peak);
}

static struct scenario contrast_of(const struct scenario *scenario)
{
    struct scenario contrast = *scenario;
    snprintf(contrast.model.name, sizeof contrast.model.name, "%s",
             scenario->workload.contrast_model);
    contrast.workload.lengths_model[0] = '\0';
    contrast.engine.settings.max_model_len = 0;
    memset(contrast.given, SOURCE_DEFAULT, sizeof contrast.given);
    return contrast;
}

/* A contrast that cannot be run is said before anything is simulated. */
static bool check_contrast(const struct scenario *scenario, struct error *error)
{
    struct scenario contrast = contrast_of(scenario);
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    bool ok = (deployment_resolve(&deployment, &contrast, error) &&
               scenario_run_init(&run, &contrast, &deployment, error)) ||
              error_add_place(error, "workload.contrast_model");
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    return ok;
}

/* The same load on the traditional model: for the figure that sets the two side by side. */
static bool run_contrast(const struct scenario *scenario, const char *directory, FILE *table,
                         struct error *error)
{
    struct scenario contrast = contrast_of(scenario);
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    struct run_files files = {.total_blocks = 0};
    struct simulation *simulation = NULL;
    bool ok = deployment_resolve(&deployment, &contrast, error) &&
              scenario_run_init(&run, &contrast, &deployment, error) &&
              open_files(&files, &run, directory, NULL, "contrast_timeline.csv", error);
    if (ok) {
        simulation = scenario_run_simulation(&run);
        ok = simulate(simulation, &run, &contrast, &files, error) && commit_files(&files, error);
    }
    if (ok) {
        print_contrast(&deployment, simulation, table);
    } else {
        error_add_place(error, "workload.contrast_model");
    }
    simulation_destroy(simulation);
    close_files(&files);
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    return ok;
}

static bool wants_contrast(const struct scenario *scenario, const struct run_options *chosen)
{
    return !chosen->no_plots && scenario->workload.contrast_model[0] != '\0' &&
           scenario->workload.trace[0] == '\0';
}

/* The tables for people; with replications the figures are their means. */
static void print_tables(const struct finished_run *run, const struct run_summary *summary,
                         const struct replication_set *set, const struct run_options *chosen)
{
    run_tables_describe(run->scenario, run->deployment);
    if (set->count > 1) {
        printf("replications  %u; figures are their means, each one's are in %s/replications.csv; "
               "requests.csv, timeline.csv and figures are the first's\n",
               set->count, chosen->out);
    }
    run_report_table(summary, &chosen->percentiles, stdout);
    run_tables_print_load(run->scenario, summary);
    run_tables_print_defaults(run->scenario, run->deployment);
    run_tables_print_price(run->deployment, summary);
    if (set->count > 1) {
        interval_report_table(set, stdout);
        printf("  in them: %s\n", run->deployment->price_confidence);
    }
}

/* The tables for people and the files for programs. */
static bool report(const struct finished_run *run, struct run_options *chosen, struct error *error)
{
    struct run_summary *runs = memory_zeroed(chosen->replications, sizeof runs[0]);
    const struct replication_set set = {runs, chosen->replications, run->scenario->seed};
    struct run_summary first = run_price_summarize(run);
    const struct simulation_counts *counts = simulation_counts(run->simulation);
    chosen->all_refused = counts->finished == 0 && counts->rejected > 0;
    bool ok = replications_run(run->scenario, run->deployment, &first, set.count, runs, error);
    if (ok) {
        struct run_summary summary = set.count > 1 ? figure_means(runs, set.count) : first;
        if (!chosen->json) {
            print_tables(run, &summary, &set, chosen);
        }
        ok = write_summary(run, &summary, &set, chosen, error) &&
             write_replications(&set, chosen->stage, error);
    }
    free(runs);
    return ok;
}

/* Prints warnings and keeps them for the page. */
static void note_warnings(const struct warning_list *warnings, struct run_options *chosen)
{
    for (uint32_t i = 0; i < warnings->count; i++) {
        fprintf(stderr, "kvcast: warning: %s\n", warnings->messages[i]);
        warning_list_add(&chosen->page.warnings, "%s", warnings->messages[i]);
    }
}

static bool run_scenario(const struct scenario *scenario, struct run_options *chosen,
                         struct error *error)
{
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    struct run_files files = {.total_blocks = 0};
    struct simulation *simulation = NULL;
    bool contrasts = wants_contrast(scenario, chosen);
    bool ok = deployment_resolve(&deployment, scenario, error) &&
              scenario_run_init(&run, scenario, &deployment, error) &&
              (!contrasts || check_contrast(scenario, error));
    if (ok) {
        note_warnings(&deployment.warnings, chosen);
        note_warnings(&run.warnings, chosen);
    }
    ok = ok &&
         (chosen->stage == NULL ||
          open_files(&files, &run, chosen->stage, chosen->no_requests ? NULL : "requests.csv",
                     "timeline.csv", error)) &&
         open_events(&files, &run, chosen->trace_events, error) &&
         open_metrics(&files, &run, chosen->metrics, error);
    if (ok) {
        run.settings.stepwise = chosen->stepwise;
        simulation = scenario_run_simulation(&run);
        ok = simulate(simulation, &run, scenario, &files, error);
    }
    const struct finished_run finished = {scenario, &deployment, simulation};
    ok = ok && report(&finished, chosen, error) && commit_files(&files, error) &&
         commit_metrics(&files, &finished, error);
    simulation_destroy(simulation);
    close_files(&files);
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    return ok && (!contrasts ||
                  run_contrast(scenario, chosen->stage, chosen->json ? stderr : stdout, error));
}

/* Runs into the folder: its files are replaced as one set when all has ended well. */
static bool run_into_folder(const struct scenario *scenario, struct run_options *chosen,
                            unsigned *ret_figures, struct error *error)
{
    struct output_set set;
    if (!output_set_open(&set, chosen->out, plotting_run_names, error)) {
        return false;
    }
    chosen->stage = set.stage;
    const struct run_page_source page = {set.stage, chosen->page.command, &chosen->page.warnings};
    bool ok = run_scenario(scenario, chosen, error) &&
              (chosen->page.is_left_out || run_page_write(&page, error)) &&
              plotting_finish(&set, !chosen->no_plots, ret_figures, error);
    output_set_discard(&set);
    return ok;
}

/* What the command line says on top of the scenario. */
static bool read_scenario(struct run_options *chosen, struct scenario *scenario,
                          struct error *error)
{
    double replications = 1;
    if (!scenario_file_read(scenario, chosen->scenario, &chosen->assignments, chosen->seed,
                            error)) {
        return false;
    }
    if (chosen->cost != NULL && !text_copy(scenario->cost, sizeof scenario->cost, chosen->cost)) {
        return error_set(error, "--cost: longer than %zu characters", sizeof scenario->cost - 1);
    }
    if (chosen->replications_text != NULL &&
        (!text_to_whole(chosen->replications_text, 100000, &replications) || replications < 2)) {
        return error_set(error,
                         "--replications: expected a whole number from 2 to 100000, got '%s'",
                         chosen->replications_text);
    }
    chosen->replications = (uint32_t)replications;
    if (!percentile_list_parse(scenario->metrics.percentiles, &chosen->percentiles, error)) {
        return false;
    }
    scenario->noise = scenario->noise || chosen->noise || chosen->replications > 1;
    return true;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct run_options chosen = {.out = "results", .replications = 1};
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--set", "KEY=VALUE", "override a setting ('kvcast list settings')", OPTION_LIST,
         &chosen.assignments},
        {"--seed", "N", "seed of all randomness (default 1)", OPTION_TEXT, &chosen.seed},
        {"--cost", "SOURCE[:FILE]", "step costs: calibrated, profiled or roofline, [:FILE]",
         OPTION_TEXT, &chosen.cost},
        {"--policy", "POLICY", "name or path of the scheduling policy, as engine.policy",
         OPTION_TEXT, &chosen.policy},
        {"--out", "DIR", "folder for the results (default results); - prints the summary as JSON",
         OPTION_TEXT, &chosen.out},
        {"--json", NULL, "print the summary as JSON instead of tables", OPTION_FLAG, &chosen.json},
        {"--noise", NULL, "draw how far steps, launches and wakes lie from their prices",
         OPTION_FLAG, &chosen.noise},
        {"--replications", "N", "run N seeds with noise; prediction intervals for every figure",
         OPTION_TEXT, &chosen.replications_text},
        {"--stepwise", NULL, "walk every step instead of taking stretches at once", OPTION_FLAG,
         &chosen.stepwise},
        {"--trace-events", "FILE",
         "write what happens for Perfetto, compressed where FILE ends in .gz", OPTION_TEXT,
         &chosen.trace_events},
        {"--metrics", "FILE", "write what the server would report at the end, as OpenMetrics text",
         OPTION_TEXT, &chosen.metrics},
        {"--no-plots", NULL, "no figures", OPTION_FLAG, &chosen.no_plots},
        {"--no-requests", NULL, "no requests.csv", OPTION_FLAG, &chosen.no_requests},
        {"--no-report", NULL, "no report.html", OPTION_FLAG, &chosen.page.is_left_out},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count > 1) {
        fprintf(stderr, "kvcast run: expected at most one scenario\n");
        return EXIT_BAD_USAGE;
    }
    struct scenario scenario;
    struct error error;
    chosen.scenario = positionals.count > 0 ? positionals.values[0] : NULL;
    char policy[300];
    if (chosen.policy != NULL && chosen.assignments.count < MAX_OPTIONS) {
        snprintf(policy, sizeof policy, "engine.policy=%s", chosen.policy);
        chosen.assignments.values[chosen.assignments.count++] = policy;
    }
    unsigned figures = 0;
    bool ok = read_scenario(&chosen, &scenario, &error);
    if (text_equal(chosen.out, "-")) {
        chosen.json = true;
        chosen.no_plots = true;
        ok = ok && run_scenario(&scenario, &chosen, &error);
    } else {
        chosen.page.command = page_command(argc, argv);
        ok = ok && run_into_folder(&scenario, &chosen, &figures, &error);
        free(chosen.page.command);
    }
    if (!ok) {
        return options_fail(error.message);
    }
    if (!chosen.json) {
        printf("\nresults       %s/ (%u figures)\n", chosen.out, figures);
    }
    if (chosen.all_refused) {
        fprintf(stderr, "kvcast: every request was refused\n");
        return EXIT_ALL_REFUSED;
    }
    return EXIT_DONE;
}

const struct command command_run = {
    .name = "run",
    .arguments = "[SCENARIO]",
    .summary = "one simulation: a summary, CSV files and figures",
    .details =
        "Without SCENARIO the embedded default runs: DeepSeek-R1-Distill-Qwen-7B on one H200.\n"
        "\n"
        "  kvcast run\n"
        "  kvcast run --set workload.rate_per_s=3 --seed 7 --out at-3-per-s\n"
        "  kvcast run workloads/examples/mixed-batch.json\n",
    .run = run,
};
