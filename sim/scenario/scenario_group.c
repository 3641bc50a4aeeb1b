#include "sim/scenario/scenario_group.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/scenario/scenario_rules.h"

static const struct setting_choice roles[] = {
    {"both", INSTANCE_BOTH, "computes prompts and generates answers"},
    {"prefill", INSTANCE_PREFILL, "computes prompts, whose KV then moves"},
    {"decode", INSTANCE_DECODE, "generates answers to prompts computed elsewhere"},
    {.name = NULL},
};

static const struct setting group_settings[] = {
    {.name = "instances",
     .type = SETTING_WHOLE,
     SETTING_OF(scenario_group, instances),
     .minimum = 1,
     .maximum = 1024,
     .unit = "instances",
     .help = "instances of the group"},
    {.name = "role",
     .type = SETTING_CHOICE,
     SETTING_OF(scenario_group, role),
     .choices = roles,
     .help = "what the group's instances do of a request"},
    {.name = NULL},
};

/* The text that 'cluster.groups' holds was parsed when it was set. */
static struct json *parse(const struct scenario *scenario)
{
    struct json *groups = NULL;
    struct error error;
    const char *text = scenario->fleet.groups;
    bool ok = json_parse(text[0] != '\0' ? text : "[]", "cluster.groups", &groups, &error);
    assert(ok);
    (void)ok;
    return groups;
}

uint32_t scenario_group_count(const struct scenario *scenario)
{
    struct json *groups = parse(scenario);
    uint32_t count = json_child_count(groups);
    json_destroy(groups);
    return count;
}

/* What can differ from group to group. */
static bool is_of_group(const char *key)
{
    static const char *const sections[] = {"hardware.", "engine.", "policy.", "price.", NULL};
    static const char *const keys[] = {"instances",      "role", "model.weights",
                                       "model.kv_cache", "cost", NULL};
    static const char *const of_cluster[] = {"engine.instances",        "engine.prefill_instances",
                                             "engine.decode_instances", "engine.kv_link_gb_per_s",
                                             "engine.kv_latency_ms",    NULL};
    bool found = false;
    for (size_t i = 0; sections[i] != NULL; i++) {
        found = found || text_starts_with(key, sections[i]);
    }
    for (size_t i = 0; keys[i] != NULL; i++) {
        found = found || text_equal(key, keys[i]);
    }
    for (size_t i = 0; of_cluster[i] != NULL; i++) {
        found = found && !text_equal(key, of_cluster[i]);
    }
    return found;
}

/* The value of "engine.LEAF" before anything is checked, or NULL. */
static const char *engine_value(const struct json *object, const char *leaf)
{
    char key[64];
    snprintf(key, sizeof key, "engine.%s", leaf);
    const struct json *dotted = json_find(object, key);
    const struct json *section = json_find(object, "engine");
    const struct json *inner = section != NULL ? json_find(section, leaf) : NULL;
    const struct json *value = dotted != NULL ? dotted : inner;
    return value != NULL ? json_text(value) : NULL;
}

/* The engine and the policy decide which settings there are. */
static bool start(struct scenario *scenario, const struct json *object, struct error *error)
{
    const struct engine_preset *preset = scenario->engine.preset;
    const char *name = engine_value(object, "preset");
    const char *policy = engine_value(object, "policy");
    if (name != NULL && !engine_preset_find(name, &preset, error)) {
        return false;
    }
    if (preset != scenario->engine.preset) {
        const struct scenario fresh = scenario_default(preset);
        scenario->engine = fresh.engine;
        scenario->policy = fresh.policy;
        memset(scenario->given, 0, sizeof scenario->given);
    }
    scenario->fleet.groups[0] = '\0';
    return policy == NULL || scenario_choose_policy(scenario, policy, error);
}

static bool override(struct scenario_group *group, const struct json *object, const char *place,
                     struct error *error)
{
    struct scenario *scenario = &group->scenario;
    struct settings_part parts[MAX_SCENARIO_PARTS + 1];
    uint8_t given[MAX_SETTINGS] = {0};
    void *target = NULL;
    scenario_parts(scenario, parts);
    struct settings_part *end = parts;
    while (end->table != NULL) {
        end++;
    }
    end[0] = (struct settings_part){group_settings, group};
    end[1] = (struct settings_part){.table = NULL};
    const struct settings_form form = {.parts = parts,
                                       .given = given,
                                       .level = SOURCE_FILE,
                                       .explain_unknown = scenario_rules_explain_unknown,
                                       .context = scenario};
    if (!settings_form_read(&form, object, place, error)) {
        return false;
    }
    for (size_t i = 0; i < MAX_SETTINGS; i++) {
        const struct setting *setting = settings_at(parts, i, &target);
        if (setting != NULL && given[i] > 0 && !is_of_group(setting->name)) {
            return error_set(
                error,
                "%s: '%s' is for the whole cluster; a group has 'instances', 'role', "
                "'model.weights', 'model.kv_cache', 'cost', hardware, engine, policy and price",
                place, setting->name);
        }
        scenario->given[i] = given[i] > 0 ? given[i] : scenario->given[i];
    }
    return scenario_rules_check_engine(scenario, error) || error_add_place(error, "%s", place);
}

bool scenario_group_read(const struct scenario *base, uint32_t index,
                         struct scenario_group *ret_group, struct error *error)
{
    char place[48];
    struct json *groups = parse(base);
    const struct json *object = json_first(groups);
    assert(index < json_child_count(groups));
    for (uint32_t i = 0; i < index; i++) {
        object = json_next(object);
    }
    snprintf(place, sizeof place, "cluster.groups, group %u", index + 1);
    *ret_group = (struct scenario_group){.instances = 1, .scenario = *base};
    bool ok = json_is_object(object) ||
              error_set(error, "%s: expected an object, got %s", place, json_type(object));
    ok = ok && (start(&ret_group->scenario, object, error) || error_add_place(error, "%s", place));
    ok = ok && override(ret_group, object, place, error);
    json_destroy(groups);
    return ok;
}
