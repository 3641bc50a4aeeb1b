#include "sim/base/settings.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"

enum { MAX_SETTINGS = 96, MAX_NAME = 96 };

static const struct setting *find(const struct setting *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (text_equal(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

static bool unknown(const struct setting *table, const char *place, const char *name,
                    struct error *error)
{
    const char *names[MAX_SETTINGS + 1] = {NULL};
    for (size_t i = 0; i < MAX_SETTINGS && table[i].name != NULL; i++) {
        names[i] = table[i].name;
    }
    text_error_unknown(error, "unknown key", name, names, "");
    return error_add_place(error, "%s", place);
}

static bool store_number(const struct setting *setting, const char *place, double value,
                         void *target, struct error *error)
{
    bool whole = setting->type != SETTING_NUMBER;
    if (!isfinite(value) || value < setting->minimum || value > setting->maximum ||
        (whole && value != floor(value))) {
        return error_set(error, "%s: '%s' must be a %snumber from %g to %g, got %.17g", place,
                         setting->name, whole ? "whole " : "", setting->minimum, setting->maximum,
                         value);
    }
    char *field = (char *)target + setting->offset;
    if (setting->type == SETTING_WHOLE) {
        uint32_t stored = (uint32_t)value;
        memcpy(field, &stored, sizeof stored);
    } else if (setting->type == SETTING_SEED) {
        uint64_t stored = (uint64_t)value;
        memcpy(field, &stored, sizeof stored);
    } else {
        memcpy(field, &value, sizeof value);
    }
    return true;
}

static bool store_text(const struct setting *setting, const char *place, const char *value,
                       void *target, struct error *error)
{
    bool allowed = setting->choices == NULL;
    char list[256] = "";
    for (size_t i = 0; !allowed && setting->choices[i] != NULL; i++) {
        allowed = text_equal(value, setting->choices[i]);
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", setting->choices[i]);
    }
    if (!allowed) {
        char what[384];
        snprintf(what, sizeof what, "'%s' must be one of %s, got", setting->name, list);
        text_error_unknown(error, what, value, setting->choices, "");
        return error_add_place(error, "%s", place);
    }
    if (!text_is_utf8(value)) {
        return error_set(error, "%s: '%s' must be UTF-8 text", place, setting->name);
    }
    if (!text_copy((char *)target + setting->offset, setting->bytes, value)) {
        return error_set(error, "%s: '%s' must be at most %zu characters long", place,
                         setting->name, setting->bytes - 1);
    }
    return true;
}

static bool wrong_type(const struct setting *setting, const char *place, const char *found,
                       struct error *error)
{
    const char *expected = setting->type == SETTING_BOOL   ? "true or false"
                           : setting->type == SETTING_TEXT ? "a text"
                                                           : "a number";
    return error_set(error, "%s: '%s' must be %s, got %s", place, setting->name, expected, found);
}

static bool store_json(const struct setting *setting, const char *place, const struct json *value,
                       void *target, struct error *error)
{
    double number = 0;
    bool flag = false;
    switch (setting->type) {
    case SETTING_IGNORED:
        return true;
    case SETTING_BOOL:
        if (!json_bool(value, &flag)) {
            return wrong_type(setting, place, json_type(value), error);
        }
        memcpy((char *)target + setting->offset, &flag, sizeof flag);
        return true;
    case SETTING_TEXT:
        if (json_text(value) == NULL) {
            return wrong_type(setting, place, json_type(value), error);
        }
        return store_text(setting, place, json_text(value), target, error);
    case SETTING_WHOLE:
    case SETTING_SEED:
    case SETTING_NUMBER:
        if (!json_number(value, &number)) {
            return wrong_type(setting, place, json_type(value), error);
        }
        return store_number(setting, place, number, target, error);
    }
    return false;
}

/* A file being read. */
struct reading {
    const struct setting *table;
    const char *place;
    void *target;
    bool seen[MAX_SETTINGS];
};

/* True when some setting's name continues 'name' with a dot: then an object may stand there. */
static bool is_section(const struct setting *table, const char *name)
{
    size_t length = strlen(name);
    for (; table->name != NULL; table++) {
        if (strncmp(table->name, name, length) == 0 && table->name[length] == '.') {
            return true;
        }
    }
    return false;
}

static bool read_level(struct reading *reading, const struct json *object, const char *prefix,
                       struct error *error)
{
    for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
        char name[MAX_NAME];
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix != '\0' ? "." : "", json_name(child));
        const struct setting *setting = find(reading->table, name);
        if (setting == NULL && is_section(reading->table, name)) {
            if (!json_is_object(child)) {
                return error_set(error, "%s: '%s' must be an object, got %s", reading->place, name,
                                 json_type(child));
            }
            if (!read_level(reading, child, name, error)) {
                return false;
            }
            continue;
        }
        if (setting == NULL) {
            return unknown(reading->table, reading->place, name, error);
        }
        bool *seen = &reading->seen[setting - reading->table];
        if (*seen) {
            return error_set(error, "%s: '%s' stands twice", reading->place, name);
        }
        *seen = true;
        if (!store_json(setting, reading->place, child, reading->target, error)) {
            return false;
        }
    }
    return true;
}

bool settings_read(const struct setting *table, const struct json *object, const char *place,
                   void *target, struct error *error)
{
    if (!json_is_object(object)) {
        return error_set(error, "%s: expected an object, got %s", place, json_type(object));
    }
    struct reading reading = {.table = table, .place = place, .target = target};
    if (!read_level(&reading, object, "", error)) {
        return false;
    }
    for (size_t i = 0; table[i].name != NULL; i++) {
        if (table[i].required && !reading.seen[i]) {
            return error_set(error, "%s: key '%s' is missing", place, table[i].name);
        }
    }
    return true;
}

bool settings_read_list(const struct setting *table, const char *path, const char *list,
                        size_t element_bytes, struct settings_list *ret_list, struct error *error)
{
    struct json *document = NULL;
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    char *items = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    bool ok = true;
    const struct json *item = json_first(json_find(document, list));
    for (; ok && item != NULL; item = json_next(item)) {
        items = memory_grow(items, &capacity, count + 1, element_bytes);
        char *element = items + count++ * element_bytes;
        memset(element, 0, element_bytes);
        ok = settings_read(table, item, path, element, error);
    }
    json_destroy(document);
    if (!ok) {
        free(items);
        return false;
    }
    *ret_list = (struct settings_list){.items = items, .count = count};
    return true;
}

bool settings_assign(const struct setting *table, const char *assignment, void *target,
                     struct error *error)
{
    const char *equals = strchr(assignment, '=');
    char name[MAX_NAME];
    if (equals == NULL || (size_t)(equals - assignment) >= sizeof name) {
        return error_set(error, "--set %s: expected KEY=VALUE", assignment);
    }
    memcpy(name, assignment, (size_t)(equals - assignment));
    name[equals - assignment] = '\0';
    const struct setting *setting = find(table, name);
    if (setting == NULL) {
        return unknown(table, "--set", name, error);
    }
    const char *value = equals + 1;
    double number = 0;
    bool flag = text_equal(value, "true");
    switch (setting->type) {
    case SETTING_IGNORED:
        return true;
    case SETTING_BOOL:
        if (!flag && !text_equal(value, "false")) {
            return wrong_type(setting, "--set", value, error);
        }
        memcpy((char *)target + setting->offset, &flag, sizeof flag);
        return true;
    case SETTING_TEXT:
        return store_text(setting, "--set", value, target, error);
    case SETTING_WHOLE:
    case SETTING_SEED:
    case SETTING_NUMBER:
        if (!text_to_double(value, &number)) {
            return wrong_type(setting, "--set", value, error);
        }
        return store_number(setting, "--set", number, target, error);
    }
    return false;
}

static double number_of(const struct setting *setting, const void *target)
{
    const char *field = (const char *)target + setting->offset;
    uint32_t whole = 0;
    uint64_t seed = 0;
    double number = 0;
    if (setting->type == SETTING_WHOLE) {
        memcpy(&whole, field, sizeof whole);
        return whole;
    }
    if (setting->type == SETTING_SEED) {
        memcpy(&seed, field, sizeof seed);
        return (double)seed;
    }
    memcpy(&number, field, sizeof number);
    return number;
}

/* The object a dotted name belongs in, made on the way; '*ret_leaf' is the last part. */
static struct json *descend(struct json *object, const char *name, const char **ret_leaf)
{
    const char *dot = strchr(name, '.');
    while (dot != NULL) {
        char part[MAX_NAME];
        snprintf(part, sizeof part, "%.*s", (int)(dot - name), name);
        const struct json *there = json_find(object, part);
        object = there != NULL ? (struct json *)there : json_add_object(object, part);
        name = dot + 1;
        dot = strchr(name, '.');
    }
    *ret_leaf = name;
    return object;
}

void settings_echo(const struct setting *table, const void *target, struct json *object)
{
    for (; table->name != NULL; table++) {
        const char *leaf = NULL;
        struct json *parent = descend(object, table->name, &leaf);
        const char *field = (const char *)target + table->offset;
        if (table->type == SETTING_TEXT) {
            json_add_text(parent, leaf, field);
        } else if (table->type == SETTING_BOOL) {
            json_add_bool(parent, leaf, *(const bool *)field);
        } else if (table->type == SETTING_NUMBER) {
            json_add_setting(parent, leaf, number_of(table, target));
        } else if (table->type != SETTING_IGNORED) {
            json_add_whole(parent, leaf, (uint64_t)number_of(table, target));
        }
    }
}

void settings_print_help(const struct setting *table, const void *target, FILE *stream)
{
    for (; table->name != NULL; table++) {
        const char *field = (const char *)target + table->offset;
        char value[128];
        if (table->type == SETTING_TEXT) {
            snprintf(value, sizeof value, "%.100s", *field != '\0' ? field : "(none)");
        } else if (table->type == SETTING_BOOL) {
            snprintf(value, sizeof value, "%s", *(const bool *)field ? "true" : "false");
        } else {
            snprintf(value, sizeof value, "%.12g", number_of(table, target));
        }
        fprintf(stream, "  %-34s %s%s%s\n      default %s%s%s\n", table->name, table->help,
                table->choices != NULL ? "; one of:" : "", "", value,
                table->unit != NULL ? " " : "", table->unit != NULL ? table->unit : "");
        for (size_t i = 0; table->choices != NULL && table->choices[i] != NULL; i++) {
            fprintf(stream, "        %s\n", table->choices[i]);
        }
    }
}
