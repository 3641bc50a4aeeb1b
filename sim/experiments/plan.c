#include "sim/experiments/plan.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/parallel.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"
#include "sim/experiments/replications.h"
#include "sim/experiments/search.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario_file.h"

#define INSTANCES "engine.instances"
/* So much more than what an overloaded instance was seen to serve is allowed for before a number of
 * instances is left out for good. */
#define PRUNING_MARGIN 1.3

struct planner {
    const struct plan_settings *settings;
    struct plan *plan;
};

bool plan_scenario(const struct plan_settings *settings, const struct plan *plan,
                   uint32_t configuration, uint32_t instances, struct scenario *ret_scenario,
                   struct error *error)
{
    struct option_list assignments = settings->base.assignments;
    struct design_assignments *room = memory_zeroed(1, sizeof *room);
    char count[64];
    bool ok = design_assign(&plan->design, plan->configurations[configuration].point, room,
                            &assignments, error);
    if (ok && instances > 0) {
        snprintf(count, sizeof count, INSTANCES "=%u", instances);
        ok = assignments.count < MAX_OPTIONS ||
             error_set(error, "more than %d settings are given", MAX_OPTIONS);
        assignments.values[assignments.count++ % MAX_OPTIONS] = count;
    }
    ok = ok && scenario_file_read(ret_scenario, settings->base.path, &assignments,
                                  settings->base.seed, error);
    if (ok && plan->configurations[configuration].requests > 0) {
        ret_scenario->workload.requests = plan->configurations[configuration].requests;
    }
    free(room);
    return ok;
}

/* Splits what varies into the numbers of instances and the rest. */
static bool read_axes(const struct plan_settings *settings, const struct scenario *base,
                      struct plan *plan, struct error *error)
{
    struct option_list others = {.count = 0};
    struct axis counts = {.count = 0};
    bool ok = true;
    bool is_given = false;
    bool is_split = base->fleet.prefill_instances > 0;
    for (size_t i = 0; ok && i < settings->over.count; i++) {
        const char *text = settings->over.values[i];
        if (text_starts_with(text, INSTANCES "=")) {
            ok = !is_given || error_set(error, "--over: '" INSTANCES "' is varied twice");
            ok = ok && axis_parse("--over", text, &counts, error);
            is_given = true;
        } else {
            is_split = is_split || text_starts_with(text, "engine.prefill_instances=");
            others.values[others.count++] = text;
        }
    }
    if (ok && !is_given && !is_split) {
        ok = axis_parse("--over", INSTANCES "=1..16", &counts, error);
    }
    for (uint32_t i = 0; ok && i < counts.count; i++) {
        uint32_t value = (uint32_t)strtoul(counts.values[i], NULL, 10);
        ok = plan->count_count < PLAN_MAX_COUNTS &&
             (plan->count_count == 0 || plan->counts[plan->count_count - 1] < value);
        ok = ok || error_set(error, "--over: '" INSTANCES "' must be at most %d rising numbers",
                             PLAN_MAX_COUNTS);
        plan->counts[plan->count_count++ % PLAN_MAX_COUNTS] = value;
    }
    if (plan->count_count == 0) {
        plan->counts[plan->count_count++] = 0; /* as the scenario says */
    }
    axis_clear(&counts);
    return ok && design_parse("--over", &others, NULL, base->seed, &plan->design, error);
}

static void name_configuration(const struct plan *plan, struct plan_configuration *configuration)
{
    for (uint32_t i = 0; i < plan->design.axis_count; i++) {
        char value[AXIS_VALUE_BYTES];
        size_t used = strlen(configuration->name);
        design_value(&plan->design, configuration->point, i, value, sizeof value);
        snprintf(configuration->name + used, sizeof configuration->name - used, "%s%s=%s",
                 i > 0 ? " " : "", plan->design.axes[i].key, value);
    }
}

/* Open-loop arrivals alone come at a rate of their own. */
static bool offers_rate(const struct scenario *scenario)
{
    return scenario->workload.client.kind == CLIENT_OPEN && scenario->workload.trace[0] == '\0';
}

/* How long a request is served, of those that were. */
static double answer_s(const struct run_summary *summary)
{
    return summary->latency.e2e_s.mean - summary->latency.queueing_s.mean;
}

/* Nine tenths of the requests, in the time until they are served less that of one answer, in which
 * nothing comes out yet. INFINITY where that is no more than some answers: it says nothing. */
static double served_rate(const struct run_summary *summary)
{
    enum { ANSWERS = 4 };
    double full_s = summary->makespan_s - summary->straggler.drain_s - answer_s(summary);
    return full_s > ANSWERS * answer_s(summary) ? 0.9 * (double)summary->requests.finished / full_s
                                                : (double)INFINITY;
}

/* The fewest instances that could serve the offered rate, from what one run of the fewest there are
 * served; only open-loop arrivals offer a rate. */
static uint32_t least_instances(const struct plan *plan, const struct scenario *scenario,
                                const struct run_summary *summary)
{
    double served_per_s = served_rate(summary) / fmax(plan->counts[0], 1);
    uint32_t index = 0;
    if (!offers_rate(scenario) || !(served_per_s > 0)) {
        return 0;
    }
    while (index + 1 < plan->count_count &&
           plan->counts[index] * served_per_s < scenario->workload.arrivals.rate_per_s) {
        index++;
    }
    return index;
}

/* A load has settled once requests have come for some answers' time: each run is twenty of them
 * long, so that what is seen is not a rise. No fewer than the scenario has, and not where it was
 * told. */
static uint32_t enough_requests(const struct scenario *scenario, const struct run_summary *summary)
{
    enum { ANSWERS = 20, MAX_REQUESTS = 50000 };
    double requests = ANSWERS * answer_s(summary) * scenario->workload.arrivals.rate_per_s;
    if (!offers_rate(scenario) || scenario_is_given(scenario, "workload.requests") ||
        !(requests > scenario->workload.requests)) {
        return scenario->workload.requests;
    }
    return requests < MAX_REQUESTS ? (uint32_t)requests : MAX_REQUESTS;
}

/* One run on the fewest instances: whether it can run at all, what it costs, what it carries. */
static bool probe(void *context, uint32_t index, struct error *error)
{
    const struct planner *planner = context;
    struct plan *plan = planner->plan;
    struct plan_configuration *configuration = &plan->configurations[index];
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    struct run_summary *summary = memory_zeroed(1, sizeof *summary);
    struct deployment *deployment = memory_zeroed(1, sizeof *deployment);
    struct error *refusal = &configuration->trial.refusal;
    (void)error;
    configuration->runs = 1;
    if (!plan_scenario(planner->settings, plan, index, plan->counts[0], scenario, refusal) ||
        !deployment_resolve(deployment, scenario, refusal) ||
        !replications_run_one(scenario, deployment, summary, refusal)) {
        configuration->fate = PLAN_REFUSED;
    } else {
        configuration->unit_usd = summary->price.usd_per_hour / fmax(plan->counts[0], 1);
        configuration->unit_gpus = summary->price.gpus / fmax(plan->counts[0], 1);
        configuration->unit_cost = planner->settings->objective == PLAN_MINIMIZE_GPUS
                                       ? configuration->unit_gpus
                                       : configuration->unit_usd;
        configuration->least = least_instances(plan, scenario, summary);
        configuration->requests = enough_requests(scenario, summary);
        configuration->fate = PLAN_MISSED;
        if (isnan(configuration->unit_cost)) {
            configuration->fate = PLAN_REFUSED;
            error_set(refusal, "no price is known for '%s': plan with --minimize gpus",
                      scenario->hardware.gpu);
        }
    }
    deployment_clear(deployment);
    free(deployment);
    free(summary);
    free(scenario);
    return true;
}

static double cost_at(const struct plan *plan, const struct plan_configuration *configuration,
                      uint32_t index)
{
    return configuration->unit_cost * fmax(plan->counts[index], 1);
}

/* The search of one configuration. */
struct looking {
    const struct planner *planner;
    uint32_t configuration;
    struct trial *trials; /* by index of the number of instances */
};

static double try_count(void *context, uint32_t index)
{
    const struct looking *looking = context;
    const struct plan_settings *settings = looking->planner->settings;
    struct plan *plan = looking->planner->plan;
    struct trial *trial = &looking->trials[index];
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    if (plan_scenario(settings, plan, looking->configuration, plan->counts[index], scenario,
                      &trial->refusal)) {
        *trial = trial_run(scenario, &plan->goals, settings->max_runs, settings->every_pair);
    } else {
        trial->verdict = TRIAL_REFUSED;
    }
    free(scenario);
    plan->tried++;
    plan->runs += trial->runs;
    plan->configurations[looking->configuration].runs += trial->runs;
    if (settings->on_trial != NULL) {
        settings->on_trial(settings->context, plan->tried, plan->candidates);
    }
    return trial_miss(trial);
}

/* Numbers of instances that keep within the goals that are a budget: of GPUs, or USD an hour. */
static uint32_t within_budget(const struct plan *plan,
                              const struct plan_configuration *configuration)
{
    uint32_t count = plan->count_count;
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct goal *goal = &plan->goals.goals[g];
        double unit = text_equal(goal->figure->key, "price.gpus") ? configuration->unit_gpus
                      : text_equal(goal->figure->key, "price.usd_per_hour")
                          ? configuration->unit_usd
                          : 0;
        while (goal->is_ceiling && count > 0 &&
               unit * fmax(plan->counts[count - 1], 1) >= goal->bound) {
            count--;
        }
    }
    return count;
}

/* Numbers of instances that do not cost more than what is the best so far. */
static uint32_t affordable(const struct planner *planner,
                           const struct plan_configuration *configuration, uint32_t count)
{
    const struct plan *plan = planner->plan;
    if (plan->best == plan->configuration_count || planner->settings->keep_costlier) {
        return count;
    }
    double most = plan->configurations[plan->best].best_cost * (1 + 1e-9);
    while (count > 0 && cost_at(plan, configuration, count - 1) > most) {
        count--;
    }
    return count;
}

/* Where nothing was found: the try that misses by least. Of those that were cut it is not known by
 * how much they miss, and the last, with the most instances, is taken for the best. */
static uint32_t nearest(const struct looking *looking, uint32_t count, uint32_t index)
{
    for (uint32_t i = count; looking->trials[index].is_cut && i-- > index;) {
        if (looking->trials[i].is_cut) {
            return i;
        }
    }
    return index;
}

static void look(const struct planner *planner, uint32_t index)
{
    struct plan *plan = planner->plan;
    struct plan_configuration *configuration = &plan->configurations[index];
    uint32_t budget = within_budget(plan, configuration);
    uint32_t count = affordable(planner, configuration, budget);
    bool hopeless =
        count == 0 || plan->counts[count - 1] * PRUNING_MARGIN < plan->counts[configuration->least];
    if (hopeless && !planner->settings->every_pair) {
        configuration->fate = count < budget ? PLAN_PRUNED : PLAN_BEYOND_BUDGET;
        return;
    }
    count = planner->settings->every_pair ? plan->count_count : count;
    struct looking looking = {planner, index, memory_zeroed(count, sizeof(struct trial))};
    const struct search search = {.try = try_count,
                                  .context = &looking,
                                  .count = count,
                                  .start = smaller(configuration->least, count - 1),
                                  .all = planner->settings->every_pair};
    struct search_result result = search_first(&search);
    result.index = nearest(&looking, count, result.index);
    configuration->trial = looking.trials[result.index];
    configuration->instances = plan->counts[result.index];
    configuration->tried = result.tried;
    configuration->is_monotone = result.is_monotone;
    configuration->best_cost = cost_at(plan, configuration, result.index);
    configuration->fate = result.found                                    ? PLAN_MET
                          : configuration->trial.verdict == TRIAL_REFUSED ? PLAN_REFUSED
                          : count < budget                                ? PLAN_PRUNED
                                                                          : PLAN_MISSED;
    free(looking.trials);
}

/* Cheaper first; among equals the one that keeps its bounds by more. */
static bool is_better(const struct plan_configuration *a, const struct plan_configuration *b)
{
    if (fabs(a->best_cost - b->best_cost) > 1e-9 * b->best_cost) {
        return a->best_cost < b->best_cost;
    }
    return a->trial.miss < b->trial.miss;
}

/* The configuration whose fewest instances that can carry the load cost least comes first. */
static void order_by_least_cost(const struct plan *plan, uint32_t *order)
{
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        const struct plan_configuration *one = &plan->configurations[i];
        double cost = cost_at(plan, one, one->least);
        uint32_t at = i;
        while (at > 0) {
            const struct plan_configuration *other = &plan->configurations[order[at - 1]];
            if (!(cost < cost_at(plan, other, other->least))) {
                break;
            }
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

static void look_at_all(const struct planner *planner)
{
    struct plan *plan = planner->plan;
    uint32_t *order = memory_zeroed(plan->configuration_count, sizeof order[0]);
    order_by_least_cost(plan, order);
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        struct plan_configuration *configuration = &plan->configurations[order[i]];
        if (configuration->fate == PLAN_REFUSED) {
            continue;
        }
        look(planner, order[i]);
        if (configuration->fate == PLAN_MET &&
            (plan->best == plan->configuration_count ||
             is_better(configuration, &plan->configurations[plan->best]))) {
            plan->best = order[i];
        }
    }
    free(order);
}

/* Where nothing reaches the goals, the configuration that comes closest says by how much: its runs
 * go to the end. */
static void find_closest(const struct planner *planner)
{
    struct plan *plan = planner->plan;
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        const struct plan_configuration *one = &plan->configurations[i];
        if (one->fate == PLAN_MISSED &&
            (plan->closest == plan->configuration_count ||
             trial_miss(&one->trial) < trial_miss(&plan->configurations[plan->closest].trial))) {
            plan->closest = i;
        }
    }
    if (plan->closest < plan->configuration_count &&
        plan->configurations[plan->closest].trial.is_cut) {
        struct plan_configuration *closest = &plan->configurations[plan->closest];
        struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
        struct error refusal;
        if (plan_scenario(planner->settings, plan, plan->closest, closest->instances, scenario,
                          &refusal)) {
            closest->trial = trial_run(scenario, &plan->goals, TRIAL_FIRST_RUNS, true);
            plan->runs += closest->trial.runs;
        }
        free(scenario);
    }
}

bool plan_run(const struct plan_settings *settings, struct plan *ret_plan, struct error *error)
{
    struct scenario *base = memory_zeroed(1, sizeof *base);
    struct plan *plan = ret_plan;
    struct planner planner = {settings, plan};
    memset(plan, 0, sizeof *plan);
    assert(settings->goals.count > 0 && settings->max_runs >= 1);
    bool ok = scenario_file_read(base, settings->base.path, &settings->base.assignments,
                                 settings->base.seed, error) &&
              goal_list_parse(&settings->goals, &plan->goals, error) &&
              read_axes(settings, base, plan, error);
    free(base);
    if (!ok) {
        return false;
    }
    plan->configuration_count = plan->design.points;
    plan->configurations = memory_zeroed(plan->configuration_count, sizeof plan->configurations[0]);
    plan->candidates = plan->configuration_count * plan->count_count;
    plan->best = plan->configuration_count;
    plan->closest = plan->configuration_count;
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        plan->configurations[i].point = i;
        plan->configurations[i].unit_cost = NAN;
        name_configuration(plan, &plan->configurations[i]);
    }
    ok = parallel_for(plan->configuration_count, 0, probe, &planner, error);
    plan->runs = plan->configuration_count;
    if (ok) {
        look_at_all(&planner);
    }
    if (ok && plan->best == plan->configuration_count) {
        find_closest(&planner);
    }
    return ok;
}

void plan_clear(struct plan *plan)
{
    design_clear(&plan->design);
    free(plan->configurations);
    plan->configurations = NULL;
}

/* Whether 'a' is at least as good as 'b' in all that counts, and better in something. */
static bool dominates(const struct plan *plan, const struct plan_configuration *a,
                      const struct plan_configuration *b)
{
    bool better = a->best_cost < b->best_cost;
    if (a->best_cost > b->best_cost) {
        return false;
    }
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct goal *goal = &plan->goals.goals[g];
        double miss_a = goal_miss(goal, figure_value(goal->figure, &a->trial.means));
        double miss_b = goal_miss(goal, figure_value(goal->figure, &b->trial.means));
        if (miss_a > miss_b) {
            return false;
        }
        better = better || miss_a < miss_b;
    }
    double accuracy_a = a->trial.means.requests.accuracy;
    double accuracy_b = b->trial.means.requests.accuracy;
    if (accuracy_a < accuracy_b) {
        return false;
    }
    return better || accuracy_a > accuracy_b;
}

bool plan_is_on_front(const struct plan *plan, uint32_t configuration)
{
    const struct plan_configuration *one = &plan->configurations[configuration];
    assert(configuration < plan->configuration_count);
    if (one->fate != PLAN_MET) {
        return false;
    }
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        const struct plan_configuration *other = &plan->configurations[i];
        if (other->fate == PLAN_MET && dominates(plan, other, one)) {
            return false;
        }
    }
    return true;
}
