#include "sim/cli/settings_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/scenario_rules.h"

enum { ENGINES_BYTES = 256 };

static bool is_of_every_engine(const char *engines)
{
    char all[ENGINES_BYTES];
    scenario_rules_list_engines("engine.preset", all, sizeof all);
    return text_equal(engines, all);
}

static void print_one(const struct setting *setting, const void *target)
{
    char value[1100];
    char type[320];
    char engines[ENGINES_BYTES];
    setting_print(setting, target, value, sizeof value);
    setting_describe_type(setting, type, sizeof type);
    scenario_rules_list_engines(setting->name, engines, sizeof engines);
    printf("%s\n    %s\n    default %s%s%s; %s\n", setting->name, setting->help,
           value[0] != '\0' ? value : "(empty)", setting->unit != NULL ? " " : "",
           setting->unit != NULL ? setting->unit : "", type);
    const struct setting_choice *choice = setting->choices;
    for (; choice != NULL && choice->name != NULL; choice++) {
        printf("      %-12s %s\n", choice->name, choice->help);
    }
    if (!is_of_every_engine(engines)) {
        printf("    engines: %s\n", engines);
    }
}

static const char *type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_BOOL:
        return "bool";
    case SETTING_WHOLE:
    case SETTING_SEED:
        return "whole";
    case SETTING_TIME:
    case SETTING_NUMBER:
        return "number";
    case SETTING_CHOICE:
        return "choice";
    case SETTING_JSON:
        return "array";
    case SETTING_TEXT:
    case SETTING_IGNORED:
        return "text";
    }
    return "text";
}

static void add_engines(const char *key, struct json *object)
{
    char engines[ENGINES_BYTES];
    struct json *list = json_add_array(object, "engines");
    scenario_rules_list_engines(key, engines, sizeof engines);
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        if (text_contains_words(engines, engine_presets[i]->name)) {
            json_add_text(list, NULL, engine_presets[i]->name);
        }
    }
}

static void add_range(const struct setting *setting, struct json *object)
{
    if (setting->type == SETTING_CHOICE) {
        struct json *list = json_add_array(object, "choices");
        for (const struct setting_choice *choice = setting->choices; choice->name != NULL;
             choice++) {
            json_add_text(list, NULL, choice->name);
        }
    } else if (setting->type != SETTING_BOOL && setting->type != SETTING_TEXT &&
               setting->type != SETTING_JSON) {
        json_add_setting(object, "minimum", setting->minimum);
        json_add_setting(object, "maximum", setting->maximum);
    }
}

static void add_one(const struct setting *setting, const void *target, struct json *list)
{
    struct json *object = json_add_object(list, NULL);
    struct setting plain = *setting;
    plain.name = "default";
    json_add_text(object, "key", setting->name);
    json_add_text(object, "type", type_name(setting->type));
    if (setting->unit != NULL) {
        json_add_text(object, "unit", setting->unit);
    }
    setting_echo(&plain, target, object);
    add_range(setting, object);
    add_engines(setting->name, object);
    json_add_text(object, "help", setting->help);
}

static bool is_new(const char *key, size_t engine)
{
    for (size_t i = 0; i < engine; i++) {
        struct scenario scenario = scenario_default(engine_presets[i]);
        struct settings_part parts[MAX_SCENARIO_PARTS];
        scenario_parts(&scenario, parts);
        if (settings_position(parts, key) < MAX_SETTINGS) {
            return false;
        }
    }
    return true;
}

/* Settings of the first engine, then what others have beside; defaults are those of the first that
 * has the setting. */
void settings_page_print(bool as_json)
{
    struct json *document = json_create_object();
    struct json *list = json_add_array(document, "settings");
    for (size_t engine = 0; engine_presets[engine] != NULL; engine++) {
        struct scenario scenario = scenario_default(engine_presets[engine]);
        struct settings_part parts[MAX_SCENARIO_PARTS];
        void *target = NULL;
        scenario_parts(&scenario, parts);
        for (size_t i = 0; i < MAX_SETTINGS; i++) {
            const struct setting *setting = settings_at(parts, i, &target);
            if (setting != NULL && is_new(setting->name, engine)) {
                if (as_json) {
                    add_one(setting, target, list);
                } else {
                    print_one(setting, target);
                }
            }
        }
    }
    if (as_json) {
        char *text = json_print(document);
        printf("%s\n", text);
        free(text);
    }
    json_destroy(document);
}
