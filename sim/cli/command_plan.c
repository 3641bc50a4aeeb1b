#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/cli/progress.h"
#include "sim/experiments/plan_answer.h"
#include "sim/pages/page.h"
#include "sim/pages/plan_page.h"

struct plan_options {
    struct plan_settings settings;
    const char *minimize;
    const char *replications;
    bool what_if;
    bool json;
    const char *report;
    char *command; /* as it was typed */
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

/* Why it was not looked at; of a split fleet the settings say how many instances there are. */
static void print_least(const char *why, uint32_t instances)
{
    if (instances > 0) {
        printf("%s: %u instances at least\n", why, instances);
    } else {
        printf("%s\n", why);
    }
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
        print_least("costs more", plan->counts[configuration->least]);
        break;
    case PLAN_BEYOND_BUDGET:
        print_least("beyond the budget", plan->counts[configuration->least]);
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

static void print_winner(const struct plan_answer *answer)
{
    const struct plan_configuration *best = &answer->plan.configurations[answer->plan.best];
    char count[32] = ""; /* of a split fleet the settings say it */
    if (best->instances > 0) {
        snprintf(count, sizeof count, ", %u instances", best->instances);
    }
    printf("best          %s%s: %u GPUs, %.4g USD/h (%u runs of %u requests)\n", name_of(best),
           count, best->trial.means.price.gpus, best->trial.means.price.usd_per_hour,
           best->trial.runs, answer->winner.workload.requests);
    if (answer->command[0] != '\0') {
        printf("launch        %s\n", answer->command);
    }
    if (plan_answer_is_brief(answer)) {
        printf("note          %u requests arrive within %.0f s, and answers take up to %.0f s: the "
               "load is still rising in much of each run; raise workload.requests\n",
               answer->winner.workload.requests, plan_answer_arrivals_s(answer),
               best->trial.means.latency.e2e_s.p99);
    }
}

static void print_headroom(const struct plan_answer *answer)
{
    const struct headroom *headroom = &answer->headroom;
    if (!headroom->is_open) {
        return;
    }
    if (!headroom->is_met) {
        printf("headroom      none of the rates from %.3g requests/s on reaches the goals\n",
               answer->winner.workload.arrivals.rate_per_s / 16);
        return;
    }
    printf("headroom      up to %.3g requests/s", headroom->met_per_s);
    if (!isnan(headroom->miss_per_s)) {
        printf(" (%.3g misses %s)", headroom->miss_per_s,
               answer->plan.goals.goals[headroom->trial.worst].text);
    }
    printf("; %u rates tried in %u runs%s\n", headroom->tried, headroom->runs,
           headroom->is_monotone ? "" : "; not monotone: all rates above were tried");
}

/* A row of the table: the winner's configuration under another load. */
static void print_what_if(const struct plan_what_if *what_if)
{
    const struct plan_configuration *answer = &what_if->plan.configurations[0];
    printf("  %-26s ", what_if->label);
    if (!what_if->can_be) {
        printf("cannot be: %s\n", what_if->refusal.message);
    } else if (answer->fate == PLAN_MET) {
        print_met(&what_if->plan, answer, false, false);
    } else if (answer->fate == PLAN_REFUSED) {
        printf("cannot run: %s\n", answer->trial.refusal.message);
    } else {
        print_miss(&what_if->plan, &answer->trial, answer->instances);
    }
}

static void print_what_ifs(const struct plan_answer *answer)
{
    printf("\n  %-26s %9s %6s %9s", "what if", "instances", "GPUs", "USD/h");
    for (uint32_t g = 0; g < shown_goals(&answer->plan); g++) {
        printf(" %12s", answer->plan.goals.goals[g].figure->key);
    }
    printf(" %9s\n", "accuracy");
    for (uint32_t i = 0; i < answer->what_if_count; i++) {
        print_what_if(&answer->what_ifs[i]);
    }
}

static void print_answer(const struct plan_answer *answer, const struct plan_options *chosen)
{
    const struct plan *plan = &answer->plan;
    print_header(plan);
    if (plan_answer_is_found(answer)) {
        print_winner(answer);
        print_headroom(answer);
    } else {
        printf("best          none reaches the goals\n");
    }
    if (plan->closest < plan->configuration_count) {
        const struct plan_configuration *closest = &plan->configurations[plan->closest];
        printf("closest       %s: ", name_of(closest));
        print_miss(plan, &closest->trial, closest->instances);
    }
    print_table(plan, chosen);
    if (answer->what_if_count > 0) {
        print_what_ifs(answer);
    }
}

static void print_json(const struct plan_answer *answer, bool with_front)
{
    struct json *document = plan_answer_json(answer, with_front);
    char *text = json_print(document);
    printf("%s\n", text);
    free(text);
    json_destroy(document);
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
    struct plan_answer *answer = memory_zeroed(1, sizeof *answer);
    struct progress progress;
    progress_start(&progress);
    chosen->settings.on_trial = show_progress;
    chosen->settings.context = &progress;
    bool ok = read_options(chosen, error) &&
              plan_answer_find(&chosen->settings, chosen->what_if, answer, error);
    progress_end(&progress);
    if (ok && chosen->json) {
        print_json(answer, chosen->settings.keep_costlier);
    } else if (ok) {
        print_answer(answer, chosen);
    }
    *ret_found = ok && plan_answer_is_found(answer);
    ok = ok && (chosen->report == NULL ||
                plan_page_write(answer, chosen->command, chosen->report, error));
    plan_answer_clear(answer);
    free(answer);
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
        {"--json", NULL, "print JSON instead of tables", OPTION_FLAG, &chosen.json},
        {"--report", "FILE", "write a page (HTML) too", OPTION_TEXT, &chosen.report},
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
    chosen.command = page_command(argc, argv);
    bool ok = plan(&chosen, &found, &error);
    free(chosen.command);
    if (!ok) {
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
