#include "sim/experiments/setting_columns.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/scenario/scenario_rules.h"

const struct setting *setting_columns_find(const struct setting_columns *columns, const char *key)
{
    for (uint32_t i = 0; i < columns->count; i++) {
        if (text_equal(columns->columns[i]->name, key)) {
            return columns->columns[i];
        }
    }
    return NULL;
}

static void choose_policy(struct scenario *scenario, const struct scheduling_policy *policy)
{
    struct error error;
    bool found = scenario_choose_policy(scenario, policy->name, &error);
    assert(found);
    (void)found;
}

static void list_parameters(struct scenario *scenario, struct setting_columns *columns)
{
    for (size_t p = 0; scheduling_policies[p] != NULL; p++) {
        choose_policy(scenario, scheduling_policies[p]);
        for (const struct setting *row = scenario->policy.table; row->name != NULL; row++) {
            if (setting_columns_find(columns, row->name) == NULL) {
                assert(columns->of_policies_count < MAX_POLICY_COLUMNS);
                struct setting *kept = &columns->of_policies[columns->of_policies_count++];
                *kept = *row;
                columns->columns[columns->count++] = kept;
            }
        }
    }
}

/* The key's engine or policy, if there is one, is the scenario's from now on. */
static bool choose_owner(struct scenario *scenario, const char *key)
{
    struct settings_part parts[MAX_SCENARIO_PARTS];
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        *scenario = scenario_default(engine_presets[i]);
        scenario_parts(scenario, parts);
        if (settings_position(parts, key) < MAX_SETTINGS) {
            return true;
        }
    }
    *scenario = scenario_default(engine_presets[0]);
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        choose_policy(scenario, scheduling_policies[i]);
        scenario_parts(scenario, parts);
        if (settings_position(parts, key) < MAX_SETTINGS) {
            return true;
        }
    }
    return false;
}

void setting_columns_list(struct setting_columns *ret_columns)
{
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    ret_columns->count = 0;
    ret_columns->of_policies_count = 0;
    for (size_t p = 0; engine_presets[p] != NULL; p++) {
        struct settings_part parts[MAX_SCENARIO_PARTS];
        const struct setting *setting = NULL;
        void *target = NULL;
        *scenario = scenario_default(engine_presets[p]);
        scenario_parts(scenario, parts);
        for (size_t i = 0; (setting = settings_at(parts, i, &target)) != NULL; i++) {
            if (setting->type != SETTING_IGNORED &&
                setting_columns_find(ret_columns, setting->name) == NULL) {
                assert(ret_columns->count < MAX_SETTING_COLUMNS);
                ret_columns->columns[ret_columns->count++] = setting;
            }
        }
    }
    list_parameters(scenario, ret_columns);
    free(scenario);
}

const struct setting *setting_columns_value(struct scenario *scenario, const char *key,
                                            void **ret_target)
{
    struct settings_part parts[MAX_SCENARIO_PARTS];
    scenario_parts(scenario, parts);
    assert(ret_target != NULL);
    size_t position = settings_position(parts, key);
    if (position >= MAX_SETTINGS || scenario_rules_overruled_by(scenario, key) != NULL) {
        return NULL;
    }
    return settings_at(parts, position, ret_target);
}

bool setting_columns_check(const char *key, const char *value, struct error *error)
{
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    struct settings_part parts[MAX_SCENARIO_PARTS];
    char assignment[2048];
    if (!choose_owner(scenario, key)) {
        *scenario = scenario_default(engine_presets[0]); /* its error names the nearest key */
    }
    scenario_parts(scenario, parts);
    const struct settings_form form = {
        .parts = parts, .explain_unknown = scenario_rules_explain_unknown, .context = scenario};
    int length = snprintf(assignment, sizeof assignment, "%s=%s", key, value);
    bool ok = length < (int)sizeof assignment
                  ? settings_form_assign(&form, assignment, error)
                  : error_set(error, "'%.100s': its value is too long", key);
    free(scenario);
    return ok;
}
