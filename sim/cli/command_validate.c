#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "calibration/explanation.h"
#include "calibration/host_speed.h"
#include "calibration/step_fit.h"
#include "calibration/validation.h"
#include "sim/base/output_set.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/pricing/cost_choice.h"
#include "sim/report/plotting.h"

struct validate_options {
    const char *job;
    const char *cost;
    const char *out;
    const char *replications_text;
    uint32_t replications; /* with noise; 0: one as priced */
    bool open_loop;
    bool stepwise;
    bool json;
    bool markdown;
    bool explain;
    bool all;
};

/* A fit of the run's own sweep, unless the host sets the pace of most of its steps, which then tell
 * nothing of the GPU: the nearest calibration does. */
static bool fit_or_carry(const struct measured_run *run, const struct cost_request *request,
                         struct step_cost *cost, char *warning, struct error *error)
{
    struct fit_report report;
    if (!cost_choice_nearest(request, cost, warning, error)) {
        return false;
    }
    struct host_speed speed = host_speed_measure(run, cost);
    if (speed.steps > speed.decode_steps / 4) {
        return true;
    }
    warning[0] = '\0';
    fprintf(stderr, "kvcast: no shipped calibration fits %s: fitting its own sweep jobs\n",
            run->name);
    return step_fit_run(run, cost, &report, error);
}

/* A cost that was not fitted to this run does not know its host. */
static void take_host(const struct measured_run *run, struct step_cost *cost)
{
    struct host_speed speed = {.slowdown = 1};
    if (!text_equal(cost->identity.name, run->name)) {
        speed = host_speed_measure(run, cost);
    }
    if (fabs(speed.slowdown - 1) > 0.005) {
        fprintf(stderr,
                "kvcast: the host of %s takes %.2f times as long as priced (%u steps of its "
                "sweep jobs)\n",
                run->name, speed.slowdown, speed.steps);
        host_speed_apply(speed.slowdown, cost);
    }
}

/* The named cost, else the shipped calibration that fits, else a fit of the run's own sweep. */
static bool choose_cost(const struct measured_run *run, const struct validate_options *options,
                        struct step_cost *cost, struct error *error)
{
    struct cost_request request = measured_engine_cost_request(&run->engine, options->cost);
    char warning[COST_WARNING_BYTES];
    bool found = false;
    if (!cost_choice_find(&request, cost, &found, warning, error)) {
        return false;
    }
    bool has_sweep = false;
    for (uint32_t i = 0; i < run->job_count; i++) {
        has_sweep = has_sweep || run->jobs[i].is_sweep;
    }
    if (!found && !(has_sweep ? fit_or_carry(run, &request, cost, warning, error)
                              : cost_choice_nearest(&request, cost, warning, error))) {
        return false;
    }
    if (warning[0] != '\0') {
        fprintf(stderr, "kvcast: warning: %s\n", warning);
    }
    take_host(run, cost);
    return true;
}

/* Prints where the error comes from; draws the figure into a folder of the run and job. */
static bool explain(const struct measured_run *run, const struct measured_job *job,
                    const struct step_cost *cost, const struct validate_options *options,
                    struct error *error)
{
    struct explanation explanation;
    char directory[512];
    unsigned figures = 0;
    if (!explanation_run(run, job, cost, &explanation, error)) {
        return false;
    }
    explanation_print(&explanation, options->json || options->markdown ? stderr : stdout);
    snprintf(directory, sizeof directory, "%.300s/%s-%s", options->out, run->name, job->name);
    struct output_set set = {.stage = ""};
    bool ok = output_set_open(&set, directory, plotting_explain_names, error) &&
              explanation_write(run, job, cost, &explanation, set.stage, error) &&
              plotting_finish(&set, true, &figures, error);
    output_set_discard(&set);
    explanation_clear(&explanation);
    if (ok) {
        fprintf(stderr, "kvcast: figure and CSV in %s\n", directory);
    }
    return ok;
}

/* Replays the wanted jobs, printing each or adding it to 'jobs'. */
static bool replay_jobs(const struct measured_run *run, const struct validate_options *options,
                        const struct step_cost *cost, struct json *jobs, struct error *error)
{
    const struct replay_settings settings = {.open_loop = options->open_loop,
                                             .stepwise = options->stepwise,
                                             .replications = options->replications};
    unsigned replayed = 0;
    for (uint32_t i = 0; i < run->job_count; i++) {
        const struct measured_job *job = &run->jobs[i];
        bool wanted = options->job != NULL ? text_equal(job->name, options->job) : !job->is_sweep;
        struct job_validation result;
        if (!wanted) {
            continue;
        }
        bool ok = options->replications > 0
                      ? validation_replay_noisy(run, job, cost, &settings, &result, error)
                      : validation_replay_with(run, job, cost, &settings, &result, error);
        if (!ok) {
            return false;
        }
        replayed++;
        if (jobs != NULL) {
            validation_to_json(&result, jobs);
        } else if (options->markdown) {
            validation_print_markdown(&result, run->name, stdout);
        } else {
            validation_print(&result, stdout);
        }
        if (options->explain && !explain(run, job, cost, options, error)) {
            return false;
        }
    }
    if (replayed == 0 && options->job != NULL) {
        return error_set(error, "%s: no job '%s' in jobs.csv", run->path, options->job);
    }
    if (replayed == 0) {
        fprintf(stderr, "kvcast: %s has no trace job to replay\n", run->name);
    }
    return true;
}

static bool validate(const char *path, const struct validate_options *options, struct json *runs,
                     struct error *error)
{
    struct measured_run run;
    struct step_cost cost;
    if (!measured_run_read(&run, path, error)) {
        return false;
    }
    struct json *jobs = NULL;
    bool ok = choose_cost(&run, options, &cost, error);
    if (ok && runs != NULL) {
        struct json *object = json_add_object(runs, NULL);
        json_add_text(object, "run", run.name);
        json_add_text(object, "cost", cost.identity.name);
        jobs = json_add_array(object, "jobs");
    } else if (ok && !options->markdown) {
        printf("%s, priced by calibration '%s'\n\n", run.name, cost.identity.name);
    }
    ok = ok && replay_jobs(&run, options, &cost, jobs, error);
    measured_run_clear(&run);
    return ok;
}

/* One run gives {"run", "cost", "jobs"}; several give an array of those. */
static void print_json(const struct json *document, size_t runs)
{
    const struct json *array = json_find(document, "runs");
    char *text = json_print(runs == 1 ? json_first(array) : array);
    puts(text);
    free(text);
}

/* Folders below 'root', in order of name; returns how many. */
static size_t list_runs(const char *root, char (*paths)[320], const char **values)
{
    struct dirent **entries = NULL;
    int found = scandir(root, &entries, NULL, alphasort);
    size_t count = 0;
    for (int i = 0; i < found; i++) {
        if (entries[i]->d_name[0] != '.' && count < MAX_OPTIONS) {
            snprintf(paths[count], sizeof paths[count], "%s/%s", root, entries[i]->d_name);
            values[count] = paths[count];
            count++;
        }
        free(entries[i]);
    }
    free(entries);
    return count;
}

/* Completes and checks what the command line says; the exit status of a misuse, else 0. */
static int check_usage(struct validate_options *chosen, struct option_list *positionals)
{
    static char paths[MAX_OPTIONS][320];
    double replications = 0;
    if (chosen->all && positionals->count == 0) {
        positionals->count = list_runs("calibration/measured", paths, positionals->values);
    }
    if (positionals->count == 0) {
        fprintf(stderr, "kvcast validate: expected at least one RUN_DIR%s\n",
                chosen->all ? ", found none below calibration/measured" : "");
        return EXIT_BAD_USAGE;
    }
    if (chosen->replications_text != NULL &&
        (!text_to_whole(chosen->replications_text, 10000, &replications) || replications < 1)) {
        fprintf(stderr, "kvcast validate: --noise: expected a whole number from 1 to 10000\n");
        return EXIT_BAD_USAGE;
    }
    chosen->replications = (uint32_t)replications;
    return EXIT_DONE;
}

static int validate_all(const struct validate_options *chosen,
                        const struct option_list *positionals)
{
    if (chosen->markdown) {
        validation_print_markdown_header(stdout);
    }
    struct json *document = json_create_object();
    struct json *runs = chosen->json ? json_add_array(document, "runs") : NULL;
    struct error error;
    bool ok = true;
    for (size_t i = 0; ok && i < positionals->count; i++) {
        ok = validate(positionals->values[i], chosen, runs, &error);
    }
    if (ok && chosen->json) {
        print_json(document, positionals->count);
    }
    json_destroy(document);
    return ok ? EXIT_DONE : options_fail(error.message);
}

static int run_validate(const struct command *command, int argc, char **argv)
{
    struct validate_options chosen = {.out = "results/explain"};
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--job", "NAME", "only this job (default: every job that is no sweep)", OPTION_TEXT,
         &chosen.job},
        {"--cost", "SOURCE[:FILE]", "step costs: calibrated, profiled or roofline, [:FILE]",
         OPTION_TEXT, &chosen.cost},
        {"--all", NULL, "every run below calibration/measured", OPTION_FLAG, &chosen.all},
        {"--explain", NULL, "tell errors of prices and of the schedule apart; draw a figure",
         OPTION_FLAG, &chosen.explain},
        {"--out", "DIR", "folder for the figures of --explain (default results/explain)",
         OPTION_TEXT, &chosen.out},
        {"--noise", "N", "the mean of N replications with noise, for the extremes", OPTION_TEXT,
         &chosen.replications_text},
        {"--open-loop", NULL, "send the turns of sessions at their measured times", OPTION_FLAG,
         &chosen.open_loop},
        {"--stepwise", NULL, "walk every step instead of taking stretches at once", OPTION_FLAG,
         &chosen.stepwise},
        {"--markdown", NULL, "print the README's table", OPTION_FLAG, &chosen.markdown},
        {"--json", NULL, "print JSON", OPTION_FLAG, &chosen.json},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    status = check_usage(&chosen, &positionals);
    if (status != EXIT_DONE) {
        return status;
    }
    return validate_all(&chosen, &positionals);
}

const struct command command_validate = {
    .name = "validate",
    .arguments = "RUN_DIR...",
    .summary = "replay measured engine runs, predicted beside measured",
    .details = "  kvcast validate calibration/measured/qwen7b-bf16\n"
               "  kvcast validate --json calibration/measured/qwen7b-bf16-kv96k\n",
    .run = run_validate,
};
