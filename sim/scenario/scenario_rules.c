#include "sim/scenario/scenario_rules.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/metrics/percentile_list.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/scenario/setting_aliases.h"

static const char *by_trace(const struct scenario *scenario)
{
    return scenario->workload.trace[0] != '\0' ? "workload.trace" : NULL;
}

/* A client that answers to answers sends at times of its own. */
static const char *by_sending(const struct scenario *scenario)
{
    return by_trace(scenario) != NULL                      ? "workload.trace"
           : scenario->workload.client.kind != CLIENT_OPEN ? "workload.client"
                                                           : NULL;
}

static const char *arrival(const struct scenario *scenario)
{
    bool at_once = scenario->workload.arrivals.process == ARRIVAL_ALL_AT_ONCE;
    return at_once ? by_trace(scenario) : by_sending(scenario);
}

static const char *unless(const struct scenario *scenario, bool acts)
{
    const char *sending = by_sending(scenario);
    return sending != NULL ? sending : acts ? NULL : "workload.arrival";
}

/* What a trace has itself, unless it is set. */
static const char *requests(const struct scenario *scenario)
{
    return scenario->workload.requests == 0 ? "workload.trace" : NULL;
}

static const char *token_budget(const struct scenario *scenario)
{
    return scenario->workload.token_budget == 0 ? "workload.trace" : NULL;
}

static const char *replay(const struct scenario *scenario)
{
    return by_trace(scenario) == NULL ? "workload.trace" : NULL;
}

static const char *by_client(const struct scenario *scenario)
{
    return scenario->workload.client.kind != CLIENT_OPEN ? "workload.client" : NULL;
}

static const char *rate_factor(const struct scenario *scenario)
{
    return by_trace(scenario) == NULL                   ? "workload.trace"
           : scenario->workload.arrivals.rate_per_s > 0 ? "workload.rate_per_s"
                                                        : by_client(scenario);
}

static const char *windows(const struct scenario *scenario)
{
    return unless(scenario, scenario->workload.arrivals.process == ARRIVAL_WINDOWS);
}

static const char *rate(const struct scenario *scenario)
{
    enum arrival_kind process = scenario->workload.arrivals.process;
    if (by_trace(scenario) != NULL) {
        return scenario->workload.arrivals.rate_per_s == 0 ? "workload.trace" : by_client(scenario);
    }
    return unless(scenario, process != ARRIVAL_WINDOWS && process != ARRIVAL_ALL_AT_ONCE);
}

static const char *burstiness(const struct scenario *scenario)
{
    enum arrival_kind process = scenario->workload.arrivals.process;
    if (by_trace(scenario) != NULL) {
        return scenario->workload.arrivals.burstiness == 0 ? "workload.trace" : by_client(scenario);
    }
    return unless(scenario, process == ARRIVAL_GAMMA || process == ARRIVAL_WEIBULL);
}

static const char *client_width(const struct scenario *scenario)
{
    return scenario->workload.client.kind == CLIENT_OPEN ? "workload.client" : NULL;
}

static const char *drafts(const struct scenario *scenario)
{
    return scenario->engine.settings.draft_tokens == 0 ? "engine.draft_tokens" : NULL;
}

static const char *draft_acceptance(const struct scenario *scenario)
{
    bool by_position = scenario->workload.draft_acceptance_by_position[0] != '\0';
    return by_position ? "workload.draft_acceptance_by_position" : drafts(scenario);
}

static const char *overlap(const struct scenario *scenario)
{
    return scenario->engine.settings.draft_tokens > 0 ? "engine.draft_tokens" : NULL;
}

/* The loop's time shows where no step runs meanwhile. */
static const char *loop(const struct scenario *scenario)
{
    bool hidden = scenario->engine.settings.async_scheduling &&
                  scenario->engine.preset->take_tokens == NULL &&
                  scenario->engine.settings.draft_tokens == 0;
    return hidden ? "engine.async_scheduling" : NULL;
}

static const char *prefixes(const struct scenario *scenario)
{
    return by_trace(scenario) != NULL                      ? "workload.trace"
           : scenario->workload.sharing.prefix_tokens == 0 ? "workload.prefix_tokens"
                                                           : NULL;
}

static const char *conversations(const struct scenario *scenario)
{
    return by_trace(scenario) != NULL              ? "workload.trace"
           : scenario->workload.sharing.turns == 1 ? "workload.turns"
                                                   : NULL;
}

static const char *by_groups(const struct scenario *scenario)
{
    return scenario->fleet.groups[0] != '\0' ? "cluster.groups" : NULL;
}

static const char *instances(const struct scenario *scenario)
{
    return scenario->fleet.prefill_instances > 0 ? "engine.prefill_instances" : by_groups(scenario);
}

static const char *router(const struct scenario *scenario)
{
    const struct scenario_fleet *fleet = &scenario->fleet;
    bool is_alone = fleet->prefill_instances == 0 && fleet->instances == 1;
    return is_alone && by_groups(scenario) == NULL ? "engine.instances" : NULL;
}

static const char *prefix_weight(const struct scenario *scenario)
{
    return scenario->fleet.router.rule != ROUTER_PREFIX_AWARE ? "cluster.router" : router(scenario);
}

static const char *chance_of_failure(const struct scenario *scenario)
{
    return scenario->fleet.outages.failure_mean_s > 0 ? NULL : "cluster.failure_mean_s";
}

static const char *retry(const struct scenario *scenario)
{
    return scenario->fleet.outages.failures[0] != '\0' ? NULL : chance_of_failure(scenario);
}

static const char *scaling(const struct scenario *scenario)
{
    return scenario->fleet.scaling.rule == SCALING_OFF ? "cluster.autoscale" : router(scenario);
}

static const char *link_between(const struct scenario *scenario)
{
    bool moves = scenario->fleet.prefill_instances > 0 || by_groups(scenario) != NULL;
    return moves ? NULL : "engine.prefill_instances";
}

static const char *predictor(const struct scenario *scenario)
{
    bool is_used = (scenario->policy.chosen->uses & POLICY_USES_PREDICTION) != 0 ||
                   scenario->engine.victims == VICTIM_LONGEST;
    return is_used ? NULL : "engine.policy";
}

static const char *earlier_answers(const struct scenario *scenario)
{
    struct length_predictor of_lengths;
    struct error error;
    bool learns = length_predictor_parse(scenario->engine.predictor, &of_lengths, &error) &&
                  length_predictor_learns(&of_lengths);
    const char *cause = predictor(scenario);
    return cause != NULL ? cause : !learns ? "engine.predictor" : by_trace(scenario);
}

/* What has no effect in some scenarios, and the setting that makes it so. */
static const struct {
    const char *key;
    const char *(*overruled_by)(const struct scenario *scenario);
} rules[] = {
    {"engine.async_scheduling", overlap},
    {"engine.loop_ms", loop},
    {"engine.draft_request_us", drafts},
    {"engine.draft_token_ns", drafts},
    {"engine.draft_model", drafts},
    {"engine.predictor", predictor},
    {"engine.earlier_answers", earlier_answers},
    {"engine.instances", instances},
    {"engine.prefill_instances", by_groups},
    {"engine.decode_instances", by_groups},
    {"cluster.router", router},
    {"cluster.prefix_weight", prefix_weight},
    {"cluster.failure_shape", chance_of_failure},
    {"cluster.repair_s", chance_of_failure},
    {"cluster.retry", retry},
    {"cluster.autoscale", router},
    {"cluster.autoscale_target", scaling},
    {"cluster.autoscale_minimum", scaling},
    {"cluster.autoscale_interval_s", scaling},
    {"cluster.autoscale_start_s", scaling},
    {"cluster.autoscale_cool_down_s", scaling},
    {"engine.kv_link_gb_per_s", link_between},
    {"engine.kv_latency_ms", link_between},
    {"workload.datasets", by_trace},
    {"workload.lengths", by_trace},
    {"workload.lengths_model", by_trace},
    {"workload.contrast_model", by_trace},
    {"workload.requests", requests},
    {"workload.token_budget", token_budget},
    {"workload.from_s", replay},
    {"workload.until_s", replay},
    {"workload.repeat", replay},
    {"workload.rate_factor", rate_factor},
    {"workload.prefix_tokens", by_trace},
    {"workload.prefixes", prefixes},
    {"workload.turns", by_trace},
    {"workload.conversations", conversations},
    {"workload.samples", by_trace},
    {"workload.accuracy_scale", by_trace},
    {"workload.draft_acceptance", draft_acceptance},
    {"workload.draft_acceptance_by_position", drafts},
    {"workload.arrival", arrival},
    {"workload.windows", windows},
    {"workload.rate_per_s", rate},
    {"workload.burstiness", burstiness},
    {"workload.client_width", client_width},
};

const char *scenario_rules_overruled_by(const struct scenario *scenario, const char *key)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (text_equal(rules[i].key, key)) {
            return rules[i].overruled_by(scenario);
        }
    }
    return NULL;
}

static uint8_t source_of(const struct scenario *scenario, const struct settings_part *parts,
                         const char *key)
{
    size_t position = settings_position(parts, key);
    return position < MAX_SETTINGS ? scenario->given[position] : SOURCE_DEFAULT;
}

/* What was given at the same time as the setting that overrules it, or after, is an error; what was
 * given before, in the file that the command line changes, is left out. */
static bool check_given(struct scenario *scenario, struct error *error)
{
    struct settings_part parts[MAX_SCENARIO_PARTS];
    void *target = NULL;
    scenario_parts(scenario, parts);
    for (size_t i = 0; i < MAX_SETTINGS; i++) {
        const struct setting *setting = settings_at(parts, i, &target);
        if (setting == NULL || scenario->given[i] == SOURCE_DEFAULT) {
            continue;
        }
        const char *cause = scenario_rules_overruled_by(scenario, setting->name);
        bool is_empty = (setting->type == SETTING_TEXT || setting->type == SETTING_JSON) &&
                        ((const char *)target)[setting->offset] == '\0';
        if (cause == NULL || is_empty || source_of(scenario, parts, cause) > scenario->given[i]) {
            continue;
        }
        char value[128];
        const struct setting *of_cause =
            settings_at(parts, settings_position(parts, cause), &target);
        setting_print(of_cause, target, value, sizeof value);
        if (value[0] == '\0') {
            return error_set(error, "'%s' has no effect while '%s' is empty", setting->name, cause);
        }
        return error_set(error, "'%s' has no effect while '%s' is '%s': leave one of the two out",
                         setting->name, cause, value);
    }
    return true;
}

static bool check_split(const struct scenario *scenario, struct error *error)
{
    const struct scenario_fleet *fleet = &scenario->fleet;
    if ((fleet->prefill_instances > 0) != (fleet->decode_instances > 0)) {
        return error_set(error,
                         "'engine.prefill_instances' and 'engine.decode_instances' go together, "
                         "got %u and %u",
                         fleet->prefill_instances, fleet->decode_instances);
    }
    return true;
}

/* The policy's parameters, by themselves and as the policy sees them. */
static bool check_policy(const struct scenario *scenario, struct error *error)
{
    const struct scenario_policy *policy = &scenario->policy;
    const struct policy_parameter *parameter = policy->chosen->parameters;
    for (size_t i = 0; parameter != NULL && parameter[i].key != NULL; i++) {
        if (parameter[i].is_whole && policy->values[i] != floor(policy->values[i])) {
            return error_set(error, "'%s' must be a whole number, got %g", parameter[i].key,
                             policy->values[i]);
        }
    }
    bool wants_all = policy->chosen->displaces != NULL || policy->chosen->chunk_tokens != NULL;
    if (wants_all && scenario->engine.preset->policies == POLICY_SCOPE_ORDER) {
        return error_set(error,
                         "'engine.policy': '%s' preempts running requests or sets the size of "
                         "chunks, which '%s' does not let a policy do",
                         policy->chosen->name, scenario->engine.preset->name);
    }
    if (policy->chosen->init == NULL) {
        return true;
    }
    void *state = memory_zeroed(policy->chosen->state_bytes + 1, 1);
    const char *fault = policy->chosen->init(state, policy->values);
    bool ok = fault == NULL ||
              error_set(error, "scheduling policy '%s': %.200s", policy->chosen->name, fault);
    if (policy->chosen->clear != NULL) {
        policy->chosen->clear(state);
    }
    free(state);
    return ok;
}

bool scenario_rules_check_engine(const struct scenario *scenario, struct error *error)
{
    const struct engine_preset *preset = scenario->engine.preset;
    const struct engine_settings *settings = &scenario->engine.settings;
    if (preset->policies == POLICY_SCOPE_NONE && !text_equal(scenario->engine.policy, "fcfs")) {
        return error_set(error, "'engine.policy' must be 'fcfs' with '%s', got '%s'", preset->name,
                         scenario->engine.policy);
    }
    if (!settings->chunked_prefill && preset->tokens_needed == NULL &&
        settings->max_batch_tokens > 0 && settings->max_model_len > settings->max_batch_tokens) {
        return error_set(error,
                         "'engine.max_batch_tokens' must be at least 'engine.max_model_len' "
                         "without chunked prefill, got %u and %u",
                         settings->max_batch_tokens, settings->max_model_len);
    }
    struct length_predictor of_lengths;
    return check_policy(scenario, error) &&
           length_predictor_parse(scenario->engine.predictor, &of_lengths, error);
}

bool scenario_rules_check(struct scenario *scenario, struct error *error)
{
    struct percentile_list percentiles;
    return scenario_rules_check_engine(scenario, error) &&
           percentile_list_parse(scenario->metrics.percentiles, &percentiles, error) &&
           check_split(scenario, error) && check_given(scenario, error);
}

static bool has_setting(const struct engine_preset *preset, const char *key)
{
    struct scenario scenario = scenario_default(preset);
    struct settings_part parts[MAX_SCENARIO_PARTS];
    scenario_parts(&scenario, parts);
    return settings_position(parts, key) < MAX_SETTINGS;
}

void scenario_rules_list_engines(const char *key, char *buffer, size_t size)
{
    size_t used = 0;
    assert(size > 0);
    buffer[0] = '\0';
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        if (has_setting(engine_presets[i], key) && used < size) {
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     engine_presets[i]->name);
        }
    }
}

static bool has_parameter(const struct scheduling_policy *policy, const char *key)
{
    const struct policy_parameter *parameter = policy->parameters;
    while (parameter != NULL && parameter->key != NULL && !text_equal(parameter->key, key)) {
        parameter++;
    }
    return parameter != NULL && parameter->key != NULL;
}

/* False, and the error set, when other policies have the parameter. */
static bool is_of_no_policy(const struct scenario *scenario, const char *key, struct error *error)
{
    char policies[256] = "";
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        size_t used = strlen(policies);
        if (has_parameter(scheduling_policies[i], key)) {
            snprintf(policies + used, sizeof policies - used, "%s%s", used > 0 ? ", " : "",
                     scheduling_policies[i]->name);
        }
    }
    return policies[0] == '\0' ||
           error_set(error, "'%s' is no parameter of policy '%s'; policies that have it: %s", key,
                     scenario->policy.chosen->name, policies);
}

bool scenario_rules_explain_unknown(const void *context, const char *key, struct error *error)
{
    const struct scenario *scenario = context;
    char engines[256];
    scenario_rules_list_engines(key, engines, sizeof engines);
    if (engines[0] != '\0') {
        return error_set(error, "'%s' is no setting of '%s'; engines that have it: %s", key,
                         scenario->engine.preset->name, engines);
    }
    if (!is_of_no_policy(scenario, key, error)) {
        return false;
    }
    struct scenario copy = *scenario;
    struct settings_part parts[MAX_SCENARIO_PARTS];
    const char *alias = setting_alias_find(key);
    if (alias != NULL) {
        return error_set(error, "unknown key '%s', did you mean '%s'?", key, alias);
    }
    const char *names[MAX_SETTINGS + 1] = {NULL};
    void *target = NULL;
    scenario_parts(&copy, parts);
    for (size_t i = 0; i < MAX_SETTINGS; i++) {
        const struct setting *setting = settings_at(parts, i, &target);
        names[i] = setting != NULL ? setting->name : NULL;
    }
    return text_error_unknown(error, "unknown key", key, names, "");
}
