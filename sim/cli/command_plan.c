#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/cli/progress.h"
#include "sim/experiments/headroom.h"
#include "sim/experiments/launch_command.h"
#include "sim/experiments/plan.h"

struct plan_options {
    struct plan_settings settings;
    const char *minimize;
    const char *replications;
    bool what_if;
};

static void show_progress(void *context, uint32_t tried, uint32_t of)
{
    char note[64];
    snprintf(note, sizeof note, "%u of %u candidates tried", tried, of);
    progress_show(context, 0, note);
}

static const char *name_of(const struct plan_configuration *configuration)
{
    return configuration->name[0] != '\0' ? configuration->name : "as the scenario says";
}

/* A column a goal, at most four. */
enum { SHOWN_GOALS = 4 };

static uint32_t shown_goals(const struct plan *plan)
{
    return plan->goals.count < SHOWN_GOALS ? plan->goals.count : SHOWN_GOALS;
}

static int name_width(const struct plan *plan)
{
    size_t width = strlen("configuration");
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        size_t length = strlen(name_of(&plan->configurations[i]));
        width = length > width ? length : width;
    }
    return (int)width;
}

/* Which bound is missed, and by how much, at the best there is. Runs that were stopped when they
 * were lost say only what it is at least. */
static void print_miss(const struct plan *plan, const struct trial *trial, uint32_t instances)
{
    const struct goal *goal = &plan->goals.goals[trial->worst];
    double value = figure_value(goal->figure, &trial->means);
    const char *least = trial->is_cut ? " at least" : "";
    printf("misses %s", goal->text);
    if (isinf(trial->miss)) {
        printf(": no value");
    } else if (trial->miss < 10) {
        printf(" by%s %.0f %%: %.4g", least, 100 * (trial->miss - 1), value);
    } else {
        printf("%s %.0f times over: %.4g", least, trial->miss, value);
    }
    if (instances > 0) {
        printf(" at best, on %u instances", instances);
    }
    putchar('\n');
}

static void print_met(const struct plan *plan, const struct plan_configuration *configuration,
                      bool is_best, bool is_on_front)
{
    const struct trial *trial = &configuration->trial;
    printf("%9u %6u %9.4g", configuration->instances, trial->means.price.gpus,
           trial->means.price.usd_per_hour);
    for (uint32_t g = 0; g < shown_goals(plan); g++) {
        printf(" %12.4g", figure_value(plan->goals.goals[g].figure, &trial->means));
    }
    if (isnan(trial->means.requests.accuracy)) {
        printf(" %9s", "-");
    } else {
        printf(" %7.1f %%", 100 * trial->means.requests.accuracy);
    }
    printf("%s%s%s%s\n", is_best ? "  best" : "", is_on_front ? "  on the front" : "",
           trial->is_sure ? "" : "  (within its interval of a bound)",
           configuration->is_monotone ? "" : "  (not monotone in instances: all were tried)");
}

static void print_configuration(const struct plan *plan, uint32_t index, int width, bool with_front)
{
    const struct plan_configuration *configuration = &plan->configurations[index];
    printf("  %-*s ", width, name_of(configuration));
    switch (configuration->fate) {
    case PLAN_MET:
        print_met(plan, configuration, index == plan->best,
                  with_front && plan_is_on_front(plan, index));
        break;
    case PLAN_MISSED:
        print_miss(plan, &configuration->trial, configuration->instances);
        break;
    case PLAN_REFUSED:
        printf("cannot run: %s\n", configuration->trial.refusal.message);
        break;
    case PLAN_PRUNED:
        printf("costs more: %u instances at least\n", plan->counts[configuration->least]);
        break;
    case PLAN_BEYOND_BUDGET:
        printf("beyond the budget: %u instances at least\n", plan->counts[configuration->least]);
        break;
    }
}

static void print_table(const struct plan *plan, const struct plan_options *chosen)
{
    int width = name_width(plan);
    printf("\n  %-*s %9s %6s %9s", width, "configuration", "instances", "GPUs", "USD/h");
    for (uint32_t g = 0; g < shown_goals(plan); g++) {
        printf(" %12s", plan->goals.goals[g].figure->key);
    }
    printf(" %9s\n", "accuracy");
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        print_configuration(plan, i, width, chosen->settings.keep_costlier);
    }
}

static void print_header(const struct plan *plan)
{
    printf("goals        ");
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        printf(" %s", plan->goals.goals[g].text);
    }
    printf(
        "\nsearch        %u candidates (%u configurations, %u numbers of instances); %u tried in "
        "%u runs, %u pruned\n",
        plan->candidates, plan->configuration_count, plan->count_count, plan->tried, plan->runs,
        plan->candidates - plan->tried);
}

static bool print_winner(const struct plan *plan, const struct plan_options *chosen,
                         struct scenario *scenario, struct error *error)
{
    const struct plan_configuration *best = &plan->configurations[plan->best];
    char command[1024];
    if (!plan_scenario(&chosen->settings, plan, plan->best, best->instances, scenario, error)) {
        return false;
    }
    launch_command_write(scenario, command, sizeof command);
    printf("best          %s, %u instances: %u GPUs, %.4g USD/h (%u runs of %u requests)\n",
           name_of(best), best->instances, best->trial.means.price.gpus,
           best->trial.means.price.usd_per_hour, best->trial.runs, scenario->workload.requests);
    if (command[0] != '\0') {
        printf("launch        %s%s\n", command, best->instances > 1 ? "   # each instance" : "");
    }
    return true;
}

/* A run that ends before its first answers do says nothing of a load that goes on. */
static void print_brevity(const struct plan *plan, const struct scenario *scenario)
{
    const struct run_summary *means = &plan->configurations[plan->best].trial.means;
    double arrivals_s = scenario->workload.requests / scenario->workload.arrivals.rate_per_s;
    if (scenario->workload.client.kind == CLIENT_OPEN && scenario->workload.trace[0] == '\0' &&
        arrivals_s < 3 * means->latency.e2e_s.p99) {
        printf("note          %u requests arrive within %.0f s, and answers take up to %.0f s: the "
               "load is still rising in much of each run; raise workload.requests\n",
               scenario->workload.requests, arrivals_s, means->latency.e2e_s.p99);
    }
}

static void print_headroom(const struct plan *plan, const struct scenario *scenario,
                           const struct plan_options *chosen)
{
    enum { MAX_RUNS = 4 }; /* steps of 9 % need no more */
    uint32_t max_runs = chosen->settings.max_runs < MAX_RUNS ? chosen->settings.max_runs : MAX_RUNS;
    struct headroom headroom = headroom_find(scenario, &plan->goals, max_runs,
                                             scenario_is_given(scenario, "workload.requests"));
    if (!headroom.is_open) {
        return;
    }
    if (!headroom.is_met) {
        printf("headroom      none of the rates from %.3g requests/s on reaches the goals\n",
               scenario->workload.arrivals.rate_per_s / 16);
        return;
    }
    printf("headroom      up to %.3g requests/s", headroom.met_per_s);
    if (!isnan(headroom.miss_per_s)) {
        printf(" (%.3g misses %s)", headroom.miss_per_s,
               plan->goals.goals[headroom.trial.worst].text);
    }
    printf("; %u rates tried in %u runs%s\n", headroom.tried, headroom.runs,
           headroom.is_monotone ? "" : "; not monotone: all rates above were tried");
}

/* One row of the table: the winner's configuration under another load. */
static bool print_what_if(const struct plan *plan, const struct plan_options *chosen,
                          const char *label, const char *assignment, struct error *error)
{
    struct plan_settings settings = chosen->settings;
    struct design_assignments *room = memory_zeroed(1, sizeof *room);
    struct plan *changed = memory_zeroed(1, sizeof *changed);
    const struct plan_configuration *best = &plan->configurations[plan->best];
    bool ok = design_assign(&plan->design, best->point, room, &settings.base.assignments, error) &&
              (settings.base.assignments.count < MAX_OPTIONS ||
               error_set(error, "more than %d settings are given", MAX_OPTIONS));
    if (ok) {
        settings.base.assignments.values[settings.base.assignments.count++] = assignment;
        settings.over.count = 0;
        for (size_t i = 0; i < chosen->settings.over.count; i++) {
            if (text_starts_with(chosen->settings.over.values[i], "engine.instances=")) {
                settings.over.values[settings.over.count++] = chosen->settings.over.values[i];
            }
        }
        printf("  %-26s ", label);
        struct error refusal;
        if (!plan_run(&settings, changed, &refusal)) {
            printf("cannot be: %s\n", refusal.message);
        } else if (changed->configurations[0].fate == PLAN_MET) {
            print_met(changed, &changed->configurations[0], false, false);
        } else if (changed->configurations[0].fate == PLAN_REFUSED) {
            printf("cannot run: %s\n", changed->configurations[0].trial.refusal.message);
        } else {
            print_miss(changed, &changed->configurations[0].trial,
                       changed->configurations[0].instances);
        }
    }
    plan_clear(changed);
    free(changed);
    free(room);
    return ok;
}

static bool print_what_ifs(const struct plan *plan, const struct scenario *scenario,
                           const struct plan_options *chosen, struct error *error)
{
    const struct scenario_workload *workload = &scenario->workload;
    char rate[64];
    char burstiness[64];
    char answers[64];
    snprintf(rate, sizeof rate, "workload.rate_per_s=%.10g", 2 * workload->arrivals.rate_per_s);
    snprintf(burstiness, sizeof burstiness, "workload.burstiness=%.10g",
             workload->arrivals.burstiness / 4);
    snprintf(answers, sizeof answers, "workload.output_factor=%.10g",
             1.5 * workload->output_factor);
    printf("\n  %-26s %9s %6s %9s", "what if", "instances", "GPUs", "USD/h");
    for (uint32_t g = 0; g < shown_goals(plan); g++) {
        printf(" %12s", plan->goals.goals[g].figure->key);
    }
    printf(" %9s\n", "accuracy");
    return print_what_if(plan, chosen, "traffic doubles", rate, error) &&
           print_what_if(plan, chosen, "gaps vary twice as much", burstiness, error) &&
           print_what_if(plan, chosen, "answers grow by half", answers, error);
}

static bool report(const struct plan *plan, const struct plan_options *chosen, struct error *error)
{
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    bool ok = true;
    print_header(plan);
    if (plan->best == plan->configuration_count) {
        printf("best          none reaches the goals\n");
        if (plan->closest < plan->configuration_count) {
            const struct plan_configuration *closest = &plan->configurations[plan->closest];
            printf("closest       %s: ", name_of(closest));
            print_miss(plan, &closest->trial, closest->instances);
        }
        print_table(plan, chosen);
    } else {
        ok = print_winner(plan, chosen, scenario, error);
        if (ok) {
            print_brevity(plan, scenario);
            print_headroom(plan, scenario, chosen);
            print_table(plan, chosen);
            ok = !chosen->what_if || print_what_ifs(plan, scenario, chosen, error);
        }
    }
    free(scenario);
    return ok;
}

static bool read_options(struct plan_options *chosen, struct error *error)
{
    double runs = 12;
    if (chosen->replications != NULL &&
        (!text_to_whole(chosen->replications, TRIAL_MAX_RUNS, &runs) || runs < 2)) {
        return error_set(error, "--replications: expected a whole number from 2 to %d, got '%s'",
                         TRIAL_MAX_RUNS, chosen->replications);
    }
    chosen->settings.max_runs = (uint32_t)runs;
    if (text_equal(chosen->minimize, "gpus")) {
        chosen->settings.objective = PLAN_MINIMIZE_GPUS;
    } else if (!text_equal(chosen->minimize, "usd")) {
        return error_set(error, "--minimize: expected 'usd' or 'gpus', got '%s'", chosen->minimize);
    }
    return true;
}

static bool plan(struct plan_options *chosen, bool *ret_found, struct error *error)
{
    struct plan *made = memory_zeroed(1, sizeof *made);
    struct progress progress;
    progress_start(&progress);
    chosen->settings.on_trial = show_progress;
    chosen->settings.context = &progress;
    bool ok = read_options(chosen, error) && plan_run(&chosen->settings, made, error);
    progress_end(&progress);
    chosen->settings.on_trial = NULL;
    *ret_found = ok && made->best < made->configuration_count;
    ok = ok && report(made, chosen, error);
    plan_clear(made);
    free(made);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct plan_options chosen = {.minimize = "usd"};
    struct plan_settings *settings = &chosen.settings;
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--slo", "FIGURE<BOUND", "a goal, or FIGURE>BOUND; may be given again", OPTION_LIST,
         &settings->goals},
        {"--over", "KEY=VALUES", "a setting to choose; engine.instances: 1..16 where not given",
         OPTION_LIST, &settings->over},
        {"--minimize", "WHAT", "usd (an hour) or gpus (default usd)", OPTION_TEXT,
         &chosen.minimize},
        {"--set", "KEY=VALUE", "override a setting ('kvcast list settings')", OPTION_LIST,
         &settings->base.assignments},
        {"--seed", "N", "first seed of every candidate (default 1)", OPTION_TEXT,
         &settings->base.seed},
        {"--replications", "N", "runs of a candidate at most, until it is sure (default 12)",
         OPTION_TEXT, &chosen.replications},
        {"--pareto", NULL, "look at costlier ones too; mark the front of cost, goals, accuracy",
         OPTION_FLAG, &settings->keep_costlier},
        {"--every-pair", NULL, "try every candidate up to each first success; prune nothing",
         OPTION_FLAG, &settings->every_pair},
        {"--what-if", NULL, "the best under twice the traffic, burstier, with longer answers",
         OPTION_FLAG, &chosen.what_if},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count > 1 || settings->goals.count == 0) {
        fprintf(stderr, "kvcast plan: expected %s\n",
                positionals.count > 1 ? "at most one scenario" : "a goal: --slo 'ttft_s.p99<2'");
        return EXIT_BAD_USAGE;
    }
    struct error error;
    bool found = false;
    settings->base.path = positionals.count > 0 ? positionals.values[0] : NULL;
    if (!plan(&chosen, &found, &error)) {
        return options_fail(error.message);
    }
    return found ? EXIT_DONE : EXIT_BAD_INPUT;
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "[SCENARIO]",
    .summary = "the cheapest configuration that reaches goals, and what it could still take",
    .details =
        "For each combination of the settings given by --over the fewest instances that reach all\n"
        "goals; of those the cheapest. Goals are bounds on figures ('kvcast list figures').\n"
        "Without --over: how many instances the scenario needs. Exit 1 where nothing reaches "
        "them.\n"
        "\n"
        "  kvcast plan --slo 'ttft_s.p99<2' --slo 'tpot_s.p95<0.05' --set workload.rate_per_s=4\n"
        "  kvcast plan --slo 'ttft_s.p99<2' --over hardware.gpu=H100-SXM,H200-SXM,L40S \\\n"
        "              --over hardware.tensor_parallel=1,2,4 --over model.weights=bf16,fp8\n"
        "  kvcast plan --slo 'attainment>0.99' --set metrics.slo_ttft_s=1 --what-if\n",
    .run = run,
};
