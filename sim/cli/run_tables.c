#include "sim/cli/run_tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/scenario/measured_part.h"
#include "sim/scenario/scenario_group.h"
#include "sim/scenario/scenario_rules.h"

/* What nobody set, as the engine does by itself. */
static void print_part_defaults(const struct scenario *scenario,
                                const struct deployment *deployment)
{
    const struct engine_settings *asked = &scenario->engine.settings;
    const struct engine_settings *taken = &deployment->instance.engine;
    const char *between = "defaults      ";
    if (asked->max_batch_tokens == 0) {
        printf("%s%u tokens a step", between, taken->max_batch_tokens);
        between = ", ";
    }
    if (asked->max_batch_requests == 0) {
        printf("%s%u requests", between, taken->max_batch_requests);
        between = ", ";
    }
    if (asked->max_model_len == 0) {
        printf("%s%u tokens a request", between, taken->max_model_len);
        between = ", ";
    }
    if (scenario->hardware.gpu_memory_utilization <= 0) {
        printf("%s%.3g %% of the memory", between, 100 * deployment->memory_share);
        between = ", ";
    }
    if (text_equal(between, ", ")) {
        printf("; by the rule of %s\n", deployment->limits.rule);
    }
}

/* Groups unlike each other, a line for each. */
static void print_groups(const struct scenario *scenario, const struct deployment *deployment)
{
    static const char *const roles[] = {"", ", prompts", ", answers"};
    printf("%s: %s on %u GPUs in %u groups\n", scenario->name, deployment->model.name,
           deployment_gpus(deployment), deployment->group_count);
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        const struct engine_settings *engine = &part->instance.engine;
        printf("group %-8u%u x %u x %s, %s weights, %s KV%s; %s, %u tokens and %u requests a step, "
               "%u KV blocks of %u tokens; steps %s on '%s'\n",
               g + 1, deployment->groups[g].count, part->tensor_parallel, part->gpu.name,
               part->weights->name, part->kv->name, roles[deployment->groups[g].role],
               part->instance.preset->name, engine->max_batch_tokens, engine->max_batch_requests,
               engine->num_blocks, engine->block_tokens, part->cost.identity.source,
               part->cost.identity.name);
    }
}

void run_tables_print_defaults(const struct scenario *scenario, const struct deployment *deployment)
{
    struct scenario_group group;
    struct error ignored;
    if (deployment->others == NULL) {
        print_part_defaults(scenario, deployment);
        return;
    }
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        if (scenario_group_read(scenario, g, &group, &ignored)) {
            print_part_defaults(&group.scenario, deployment_of_group(deployment, g));
        }
    }
}

/* What the policy decides by, where it is not simply the order of arrival. */
static void print_policy(const struct scenario *scenario, const struct deployment *deployment)
{
    static const char *const uses[] = {"predicted lengths", "priorities", "users", "deadlines",
                                       "questions"};
    const struct scheduling_policy *policy = deployment->instance.policy;
    const struct length_predictor *predictor = &deployment->instance.predictor;
    bool predicts = scenario_rules_overruled_by(scenario, "engine.predictor") == NULL;
    if (policy == scheduling_policies[0] && !predicts) {
        return;
    }
    printf("policy        %s", policy->name);
    const char *before = ", by ";
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        if ((policy->uses & (1u << i)) != 0) {
            printf("%s%s", before, uses[i]);
            before = " and ";
        }
    }
    if (predicts) {
        printf("; predictor %s", scenario->engine.predictor);
        if (length_predictor_knows_truth(predictor)) {
            printf(", which no server has");
        } else if (scenario_rules_overruled_by(scenario, "engine.earlier_answers") == NULL) {
            printf(" with %u earlier answers", scenario->engine.earlier_answers);
        }
    }
    printf("\n");
}

void run_tables_describe(const struct scenario *scenario, const struct deployment *deployment)
{
    const struct instance_group *groups = deployment->groups;
    const struct engine_settings *engine = &deployment->instance.engine;
    if (deployment->others != NULL) {
        print_groups(scenario, deployment);
        return;
    }
    printf("%s: %s, %s weights, %s KV on %u x %s", scenario->name, deployment->model.name,
           deployment->weights->name, deployment->kv->name, deployment->tensor_parallel,
           deployment->gpu.name);
    if (deployment->group_count > 1) {
        printf(" each, %u instances for prompts and %u for what follows", groups[0].count,
               groups[1].count);
    } else if (groups[0].count > 1) {
        printf(" each, %u instances", groups[0].count);
    }
    printf("\n");
    printf("engine        %s, %u tokens and %u requests a step, %u KV blocks of %u tokens; steps "
           "%s on '%s'\n",
           deployment->instance.preset->name, engine->max_batch_tokens, engine->max_batch_requests,
           engine->num_blocks, engine->block_tokens, deployment->cost.identity.source,
           deployment->cost.identity.name);
    print_policy(scenario, deployment);
}

static void print_limit(const char *name, double limit_s, bool *is_first)
{
    if (limit_s > 0) {
        printf("%s%s %g s", *is_first ? "" : ", ", name, limit_s);
        *is_first = false;
    }
}

/* Which limits there are, and how many requests keep them. */
static void print_slo(const struct scenario_metrics *metrics, const struct run_summary *summary)
{
    bool is_first = true;
    if (metrics->slo_ttft_s <= 0 && metrics->slo_tpot_s <= 0 && metrics->slo_e2e_s <= 0) {
        return;
    }
    printf("SLO           %.1f %% of the requests within ", 100 * summary->requests.attainment);
    print_limit("TTFT", metrics->slo_ttft_s, &is_first);
    print_limit("TPOT", metrics->slo_tpot_s, &is_first);
    print_limit("end to end", metrics->slo_e2e_s, &is_first);
    printf("; goodput %.3g requests/s\n", summary->measured.goodput_per_s);
}

/* Without sharing prefixes are not cached unless it is asked for, which preempted requests feel. */
static void print_prefixes(const struct scenario *scenario, const struct run_summary *summary)
{
    if (scenario->engine.preset->start.caches_prefixes && summary->preemption.preemptions > 0 &&
        !scenario->engine.settings.prefix_caching &&
        !scenario_is_given(scenario, "engine.prefix_caching")) {
        printf("prefixes      not cached, as prompts have nothing in common; preempted requests "
               "recompute all, where %s finds part of it: 'engine.prefix_caching=true'\n",
               scenario->engine.preset->name);
    }
}

void run_tables_print_load(const struct scenario *scenario, const struct run_summary *summary)
{
    const struct measured_figures *measured = &summary->measured;
    printf("\n");
    if (!isnan(measured->offered_per_s)) {
        printf("measured      from %.1f to %.1f s: %.3g requests/s offered, %.3g started, %.3g "
               "finished, %.0f output tokens/s\n",
               measured->from_s, measured->until_s, measured->offered_per_s,
               measured->started_per_s, measured->requests_per_s, measured->output_tokens_per_s);
    }
    print_slo(&scenario->metrics, summary);
    print_prefixes(scenario, summary);
    if (measured_part_is_overloaded(measured)) {
        printf(
            "overload      the queue grows by %.3g requests/s for as long as requests come, %.0f "
            "wait at the end: latencies depend on how long that is\n",
            measured->queue_growth_per_s, measured->waiting_until);
    } else if (!measured_part_is_settled(measured)) {
        printf(
            "unsettled     fewer requests finish than start: the run is short beside its longest "
            "requests; raise 'workload.requests'\n");
    }
}

/* "1.20 to 3.40", or one number where both are the same. */
static void print_range(double low, double high, int digits)
{
    if (low < high) {
        printf("%.*f to %.*f", digits, low, digits, high);
    } else {
        printf("%.*f", digits, low);
    }
}

void run_tables_print_price(const struct deployment *deployment, const struct run_summary *summary)
{
    const struct run_price *price = &summary->price;
    const struct gpu *gpu = &deployment->gpu;
    if (isnan(price->usd_per_million_tokens_high)) {
        return;
    }
    printf("\nprice         ");
    print_range(price->usd_per_million_tokens_low, price->usd_per_million_tokens_high, 2);
    printf(" USD a million output tokens");
    if (summary->requests.correct > 0) {
        printf(", ");
        print_range(price->usd_per_right_answer_low, price->usd_per_right_answer_high, 4);
        printf(" USD a right answer");
    }
    printf("\n              %u GPU%s at ", price->gpus, price->gpus > 1 ? "s" : "");
    print_range(price->usd_per_gpu_hour_low, price->usd_per_gpu_hour_high, 2);
    printf(" USD an hour each, ");
    print_range(price->usd_per_month_low, price->usd_per_month_high, 0);
    printf(" USD a month; source: %.*s\n", (int)strcspn(gpu->price_source, ":;"),
           gpu->price_source);
}
