#include "sim/experiments/plan_answer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"
#include "sim/experiments/launch_command.h"
#include "sim/scenario/scenario_file.h"

/* The best configuration alone, with one more setting changed. */
static bool answer_what_if(const struct plan_settings *settings, const struct plan *plan,
                           struct plan_what_if *what_if, struct error *error)
{
    struct plan_settings changed = *settings;
    struct design_assignments *room = memory_zeroed(1, sizeof *room);
    struct option_list *assignments = &changed.base.assignments;
    bool ok = design_assign(&plan->design, plan->configurations[plan->best].point, room,
                            assignments, error) &&
              (assignments->count < MAX_OPTIONS ||
               error_set(error, "more than %d settings are given", MAX_OPTIONS));
    if (ok) {
        assignments->values[assignments->count++] = what_if->assignment;
        changed.over.count = 0;
        for (size_t i = 0; i < settings->over.count; i++) {
            if (text_starts_with(settings->over.values[i], "engine.instances=")) {
                changed.over.values[changed.over.count++] = settings->over.values[i];
            }
        }
        what_if->can_be = plan_run(&changed, &what_if->plan, &what_if->refusal);
    }
    free(room);
    return ok;
}

static bool answer_what_ifs(const struct plan_settings *settings, struct plan_answer *answer,
                            struct error *error)
{
    const struct scenario_workload *workload = &answer->winner.workload;
    const struct {
        const char *label;
        const char *key;
        double value;
    } loads[PLAN_MAX_WHAT_IFS] = {
        {"traffic doubles", "workload.rate_per_s", 2 * workload->arrivals.rate_per_s},
        {"gaps vary twice as much", "workload.burstiness", workload->arrivals.burstiness / 4},
        {"answers grow by half", "workload.output_factor", 1.5 * workload->output_factor},
    };
    bool ok = true;
    for (uint32_t i = 0; ok && i < PLAN_MAX_WHAT_IFS; i++) {
        struct plan_what_if *what_if = &answer->what_ifs[answer->what_if_count++];
        what_if->label = loads[i].label;
        snprintf(what_if->assignment, sizeof what_if->assignment, "%s=%.10g", loads[i].key,
                 loads[i].value);
        ok = answer_what_if(settings, &answer->plan, what_if, error);
    }
    return ok;
}

bool plan_answer_find(const struct plan_settings *settings, bool with_what_ifs,
                      struct plan_answer *ret_answer, struct error *error)
{
    enum { HEADROOM_RUNS = 4 }; /* steps of 9 % need no more */
    struct plan_answer *answer = ret_answer;
    memset(answer, 0, sizeof *answer);
    if (!plan_run(settings, &answer->plan, error)) {
        return false;
    }
    if (!plan_answer_is_found(answer)) {
        return true;
    }
    const struct plan *plan = &answer->plan;
    if (!plan_scenario(settings, plan, plan->best, plan->configurations[plan->best].instances,
                       &answer->winner, error)) {
        return false;
    }
    launch_command_write(&answer->winner, answer->command, sizeof answer->command);
    answer->headroom =
        headroom_find(&answer->winner, &plan->goals, smaller(settings->max_runs, HEADROOM_RUNS),
                      scenario_is_given(&answer->winner, "workload.requests"));
    return !with_what_ifs || answer_what_ifs(settings, answer, error);
}

void plan_answer_clear(struct plan_answer *answer)
{
    for (uint32_t i = 0; i < answer->what_if_count; i++) {
        plan_clear(&answer->what_ifs[i].plan);
    }
    plan_clear(&answer->plan);
}

double plan_answer_arrivals_s(const struct plan_answer *answer)
{
    const struct scenario_workload *workload = &answer->winner.workload;
    bool is_open = workload->client.kind == CLIENT_OPEN && workload->trace[0] == '\0';
    return is_open ? workload->requests / workload->arrivals.rate_per_s : (double)NAN;
}

bool plan_answer_is_brief(const struct plan_answer *answer)
{
    assert(plan_answer_is_found(answer));
    const struct trial *trial = &answer->plan.configurations[answer->plan.best].trial;
    return plan_answer_arrivals_s(answer) < 3 * trial->means.latency.e2e_s.p99;
}

static void add_settings(const struct plan *plan, const struct plan_configuration *configuration,
                         struct json *object)
{
    struct json *settings = json_add_object(object, "settings");
    for (uint32_t i = 0; i < plan->design.axis_count; i++) {
        char value[AXIS_VALUE_BYTES];
        design_value(&plan->design, configuration->point, i, value, sizeof value);
        json_add_text(settings, plan->design.axes[i].key, value);
    }
}

static void add_miss(const struct plan *plan, const struct trial *trial, struct json *object)
{
    struct json *miss = json_add_object(object, "misses");
    json_add_text(miss, "goal", plan->goals.goals[trial->worst].text);
    json_add_number(miss, "ratio", trial->miss);
    json_add_bool(miss, "at_least", trial->is_cut);
}

/* What was tried on 'instances': those that reach the goals, or the best there is. */
static void add_trial(const struct plan *plan, const struct plan_configuration *configuration,
                      struct json *object)
{
    const struct trial *trial = &configuration->trial;
    struct json *figures = json_add_object(object, "figures");
    json_add_whole(object, "instances", configuration->instances);
    json_add_whole(object, "gpus", trial->means.price.gpus);
    json_add_number(object, "usd_per_hour", trial->means.price.usd_per_hour);
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct figure *figure = plan->goals.goals[g].figure;
        json_add_number(figures, figure->key, figure_value(figure, &trial->means));
    }
    json_add_number(object, "accuracy", trial->means.requests.accuracy);
    json_add_whole(object, "runs", trial->runs);
    json_add_whole(object, "requests", configuration->requests);
    json_add_bool(object, "is_sure", trial->is_sure);
    json_add_bool(object, "is_monotone", configuration->is_monotone);
}

static void fill_configuration(const struct plan *plan, uint32_t index, bool with_front,
                               struct json *object)
{
    static const char *const fates[] = {[PLAN_MET] = "met",
                                        [PLAN_MISSED] = "missed",
                                        [PLAN_REFUSED] = "refused",
                                        [PLAN_PRUNED] = "costs_more",
                                        [PLAN_BEYOND_BUDGET] = "beyond_budget"};
    const struct plan_configuration *configuration = &plan->configurations[index];
    add_settings(plan, configuration, object);
    json_add_text(object, "outcome", fates[configuration->fate]);
    switch (configuration->fate) {
    case PLAN_MET:
        add_trial(plan, configuration, object);
        json_add_bool(object, "is_best", index == plan->best);
        if (with_front) {
            json_add_bool(object, "is_on_front", plan_is_on_front(plan, index));
        }
        break;
    case PLAN_MISSED:
        add_trial(plan, configuration, object);
        add_miss(plan, &configuration->trial, object);
        break;
    case PLAN_REFUSED:
        json_add_text(object, "refusal", configuration->trial.refusal.message);
        break;
    case PLAN_PRUNED:
    case PLAN_BEYOND_BUDGET:
        json_add_whole(object, "least_instances", plan->counts[configuration->least]);
        break;
    }
}

static void add_headroom(const struct plan_answer *answer, struct json *document)
{
    const struct headroom *headroom = &answer->headroom;
    if (!headroom->is_open) {
        json_add_null(document, "headroom");
        return;
    }
    struct json *object = json_add_object(document, "headroom");
    json_add_number(object, "met_per_s", headroom->is_met ? headroom->met_per_s : (double)NAN);
    json_add_number(object, "missed_per_s", headroom->miss_per_s);
    if (!isnan(headroom->miss_per_s)) {
        add_miss(&answer->plan, &headroom->trial, object);
    }
    json_add_bool(object, "is_monotone", headroom->is_monotone);
    json_add_whole(object, "runs", headroom->runs);
}

static void add_what_ifs(const struct plan_answer *answer, struct json *document)
{
    struct json *list = json_add_array(document, "what_if");
    for (uint32_t i = 0; i < answer->what_if_count; i++) {
        const struct plan_what_if *what_if = &answer->what_ifs[i];
        struct json *object = json_add_object(list, NULL);
        json_add_text(object, "label", what_if->label);
        json_add_text(object, "setting", what_if->assignment);
        if (what_if->can_be) {
            fill_configuration(&what_if->plan, 0, false, json_add_object(object, "answer"));
        } else {
            json_add_text(object, "refusal", what_if->refusal.message);
        }
    }
}

static void add_search(const struct plan *plan, struct json *document)
{
    struct json *search = json_add_object(document, "search");
    json_add_whole(search, "configurations", plan->configuration_count);
    json_add_whole(search, "candidates", plan->candidates);
    json_add_whole(search, "tried", plan->tried);
    json_add_whole(search, "pruned", plan->candidates - plan->tried);
    json_add_whole(search, "runs", plan->runs);
}

struct json *plan_answer_json(const struct plan_answer *answer, bool with_front)
{
    const struct plan *plan = &answer->plan;
    struct json *document = json_create_object();
    json_add_whole(document, "format_version", 1);
    struct json *goals = json_add_array(document, "goals");
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        json_add_text(goals, NULL, plan->goals.goals[g].text);
    }
    add_search(plan, document);
    struct json *list = json_add_array(document, "configurations");
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        fill_configuration(plan, i, with_front, json_add_object(list, NULL));
    }
    if (!plan_answer_is_found(answer)) {
        json_add_null(document, "best");
        return document;
    }
    struct json *best = json_add_object(document, "best");
    add_settings(plan, &plan->configurations[plan->best], best);
    json_add_whole(best, "instances", plan->configurations[plan->best].instances);
    json_add_text(best, "launch", answer->command);
    json_add_bool(best, "load_still_rises", plan_answer_is_brief(answer));
    add_headroom(answer, document);
    add_what_ifs(answer, document);
    return document;
}
