#include "sim/base/settings.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

enum { MAX_NAME = 96 };

const struct setting *settings_at(const struct settings_part *parts, size_t position,
                                  void **ret_target)
{
    for (; parts->table != NULL; parts++) {
        for (size_t i = 0; parts->table[i].name != NULL; i++) {
            if (position-- == 0) {
                *ret_target = parts->target;
                return &parts->table[i];
            }
        }
    }
    return NULL;
}

size_t settings_position(const struct settings_part *parts, const char *name)
{
    size_t position = 0;
    for (; parts->table != NULL; parts++) {
        for (size_t i = 0; parts->table[i].name != NULL; i++, position++) {
            if (text_equal(parts->table[i].name, name)) {
                assert(position < MAX_SETTINGS);
                return position;
            }
        }
    }
    return MAX_SETTINGS;
}

static bool unknown(const struct settings_form *form, const char *place, const char *name,
                    struct error *error)
{
    const char *names[MAX_SETTINGS + 1] = {NULL};
    void *target = NULL;
    if (form->explain_unknown != NULL) {
        return form->explain_unknown(form->context, name, error) ||
               error_add_place(error, "%s", place);
    }
    for (size_t i = 0; i < MAX_SETTINGS; i++) {
        const struct setting *setting = settings_at(form->parts, i, &target);
        names[i] = setting != NULL ? setting->name : NULL;
    }
    text_error_unknown(error, "unknown key", name, names, "");
    return error_add_place(error, "%s", place);
}

/* Picoseconds of the unit that a time is said in. */
static double ps_per_unit(const struct setting *setting)
{
    assert(setting->type == SETTING_TIME && setting->unit != NULL);
    return text_equal(setting->unit, "s")    ? (double)PS_PER_S
           : text_equal(setting->unit, "ms") ? (double)PS_PER_MS
           : text_equal(setting->unit, "us") ? (double)PS_PER_US
                                             : (double)PS_PER_NS;
}

static bool store_number(const struct setting *setting, const char *place, double value,
                         void *target, struct error *error)
{
    bool whole = setting->type == SETTING_WHOLE || setting->type == SETTING_SEED;
    if (!isfinite(value) || value < setting->minimum || value > setting->maximum ||
        (whole && value != floor(value))) {
        return error_set(error, "%s: '%s' must be a %snumber from %g to %g, got %.17g", place,
                         setting->name, whole ? "whole " : "", setting->minimum, setting->maximum,
                         value);
    }
    if (value > 0 && value < setting->minimum_but_0) {
        return error_set(error, "%s: '%s' must be 0 or a number from %g to %g, got %.17g", place,
                         setting->name, setting->minimum_but_0, setting->maximum, value);
    }
    char *field = (char *)target + setting->offset;
    if (setting->type == SETTING_WHOLE) {
        uint32_t stored = (uint32_t)value;
        memcpy(field, &stored, sizeof stored);
    } else if (setting->type == SETTING_SEED) {
        uint64_t stored = (uint64_t)value;
        memcpy(field, &stored, sizeof stored);
    } else if (setting->type == SETTING_TIME) {
        int64_t stored = llround(value * ps_per_unit(setting));
        memcpy(field, &stored, sizeof stored);
    } else {
        memcpy(field, &value, sizeof value);
    }
    return true;
}

/* "gamma, poisson, ..." */
static void list_choices(const struct setting *setting, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; setting->choices[i].name != NULL && used < size; i++) {
        used += (size_t)snprintf(buffer + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 setting->choices[i].name);
    }
}

/* Finds 'value' among the choices; '*ret_choice' stays NULL when any text will do. */
static bool find_choice(const struct setting *setting, const char *place, const char *value,
                        const struct setting_choice **ret_choice, struct error *error)
{
    enum { MAX_CHOICES = 32 };
    const char *names[MAX_CHOICES + 1] = {NULL};
    if (setting->choices == NULL) {
        return true;
    }
    for (size_t i = 0; i < MAX_CHOICES && setting->choices[i].name != NULL; i++) {
        names[i] = setting->choices[i].name;
        if (text_equal(names[i], value)) {
            *ret_choice = &setting->choices[i];
            return true;
        }
    }
    char list[256];
    char what[384];
    list_choices(setting, list, sizeof list);
    snprintf(what, sizeof what, "'%s' must be one of %s, got", setting->name, list);
    text_error_unknown(error, what, value, names, "");
    return error_add_place(error, "%s", place);
}

static bool store_text(const struct setting *setting, const char *place, const char *value,
                       void *target, struct error *error)
{
    const struct setting_choice *choice = NULL;
    char *field = (char *)target + setting->offset;
    if (!find_choice(setting, place, value, &choice, error)) {
        return false;
    }
    if (setting->type == SETTING_CHOICE) {
        assert(choice != NULL && setting->bytes == sizeof choice->value);
        memcpy(field, &choice->value, sizeof choice->value);
        return true;
    }
    if (!text_is_utf8(value)) {
        return error_set(error, "%s: '%s' must be UTF-8 text", place, setting->name);
    }
    if (!text_copy(field, setting->bytes, value)) {
        return error_set(error, "%s: '%s' must be at most %zu characters long", place,
                         setting->name, setting->bytes - 1);
    }
    return true;
}

static bool store_array(const struct setting *setting, const char *place, const struct json *value,
                        void *target, struct error *error)
{
    if (!json_is_array(value)) {
        return error_set(error, "%s: '%s' must be an array, got %s", place, setting->name,
                         json_type(value));
    }
    char *line = json_child_count(value) > 0 ? json_print_line(value) : NULL;
    bool ok = text_copy((char *)target + setting->offset, setting->bytes, line != NULL ? line : "");
    free(line);
    return ok || error_set(error, "%s: '%s' must be at most %zu characters long", place,
                           setting->name, setting->bytes - 1);
}

static bool store_array_text(const struct setting *setting, const char *text, void *target,
                             struct error *error)
{
    struct json *value = NULL;
    char place[MAX_NAME + 8];
    snprintf(place, sizeof place, "--set %s", setting->name);
    bool ok = json_parse(text[0] != '\0' ? text : "[]", place, &value, error) &&
              store_array(setting, "--set", value, target, error);
    json_destroy(value);
    return ok;
}

static bool is_text(const struct setting *setting)
{
    return setting->type == SETTING_TEXT || setting->type == SETTING_CHOICE;
}

static bool wrong_type(const struct setting *setting, const char *place, const char *found,
                       struct error *error)
{
    const char *expected = setting->type == SETTING_BOOL ? "true or false"
                           : is_text(setting)            ? "a text"
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
    case SETTING_CHOICE:
    case SETTING_TEXT:
        if (json_text(value) == NULL) {
            return wrong_type(setting, place, json_type(value), error);
        }
        return store_text(setting, place, json_text(value), target, error);
    case SETTING_JSON:
        return store_array(setting, place, value, target, error);
    case SETTING_WHOLE:
    case SETTING_SEED:
    case SETTING_TIME:
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
    const struct settings_form *form;
    const char *place;
    bool seen[MAX_SETTINGS];
};

/* True when some setting's name continues 'name' with a dot: then an object may stand there. */
static bool is_section(const struct settings_part *parts, const char *name)
{
    size_t length = strlen(name);
    for (; parts->table != NULL; parts++) {
        for (const struct setting *row = parts->table; row->name != NULL; row++) {
            if (strncmp(row->name, name, length) == 0 && row->name[length] == '.') {
                return true;
            }
        }
    }
    return false;
}

static void note_given(const struct settings_form *form, size_t position)
{
    if (form->given != NULL) {
        form->given[position] = form->level;
    }
}

static bool read_level(struct reading *reading, const struct json *object, const char *prefix,
                       struct error *error)
{
    const struct settings_part *parts = reading->form->parts;
    for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
        char joined[MAX_NAME];
        const char *name = json_name(child);
        void *target = NULL;
        if (*prefix != '\0') {
            snprintf(joined, sizeof joined, "%s.%s", prefix, name);
            name = joined;
        }
        size_t position = settings_position(parts, name);
        if (position == MAX_SETTINGS && is_section(parts, name)) {
            if (!json_is_object(child)) {
                return error_set(error, "%s: '%s' must be an object, got %s", reading->place, name,
                                 json_type(child));
            }
            if (!read_level(reading, child, name, error)) {
                return false;
            }
            continue;
        }
        if (position == MAX_SETTINGS) {
            return unknown(reading->form, reading->place, name, error);
        }
        if (reading->seen[position]) {
            return error_set(error, "%s: '%s' stands twice", reading->place, name);
        }
        reading->seen[position] = true;
        note_given(reading->form, position);
        const struct setting *setting = settings_at(parts, position, &target);
        if (!store_json(setting, reading->place, child, target, error)) {
            return false;
        }
    }
    return true;
}

bool settings_form_read(const struct settings_form *form, const struct json *object,
                        const char *place, struct error *error)
{
    if (!json_is_object(object)) {
        return error_set(error, "%s: expected an object, got %s", place, json_type(object));
    }
    struct reading reading = {.form = form, .place = place};
    if (!read_level(&reading, object, "", error)) {
        return false;
    }
    size_t position = 0;
    for (const struct settings_part *part = form->parts; part->table != NULL; part++) {
        for (const struct setting *row = part->table; row->name != NULL; row++, position++) {
            if (row->required && !reading.seen[position]) {
                return error_set(error, "%s: key '%s' is missing", place, row->name);
            }
        }
    }
    return true;
}

bool settings_read(const struct setting *table, const struct json *object, const char *place,
                   void *target, struct error *error)
{
    const struct settings_part parts[] = {{table, target}, {.table = NULL}};
    const struct settings_form form = {.parts = parts};
    return settings_form_read(&form, object, place, error);
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

static bool store_typed(const struct setting *setting, const char *value, void *target,
                        struct error *error)
{
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
    case SETTING_CHOICE:
    case SETTING_TEXT:
        return store_text(setting, "--set", value, target, error);
    case SETTING_JSON:
        return store_array_text(setting, value, target, error);
    case SETTING_WHOLE:
    case SETTING_SEED:
    case SETTING_TIME:
    case SETTING_NUMBER:
        if (!text_to_double(value, &number)) {
            return wrong_type(setting, "--set", value, error);
        }
        return store_number(setting, "--set", number, target, error);
    }
    return false;
}

bool settings_form_assign(const struct settings_form *form, const char *assignment,
                          struct error *error)
{
    const char *equals = strchr(assignment, '=');
    char name[MAX_NAME];
    void *target = NULL;
    if (equals == NULL || (size_t)(equals - assignment) >= sizeof name) {
        return error_set(error, "--set %s: expected KEY=VALUE", assignment);
    }
    memcpy(name, assignment, (size_t)(equals - assignment));
    name[equals - assignment] = '\0';
    size_t position = settings_position(form->parts, name);
    if (position == MAX_SETTINGS) {
        return unknown(form, "--set", name, error);
    }
    note_given(form, position);
    const struct setting *setting = settings_at(form->parts, position, &target);
    return store_typed(setting, equals + 1, target, error);
}

bool settings_assign(const struct setting *table, const char *assignment, void *target,
                     struct error *error)
{
    const struct settings_part parts[] = {{table, target}, {.table = NULL}};
    const struct settings_form form = {.parts = parts};
    return settings_form_assign(&form, assignment, error);
}

double setting_number(const struct setting *setting, const void *target)
{
    const char *field = (const char *)target + setting->offset;
    uint32_t whole = 0;
    uint64_t seed = 0;
    int64_t time_ps = 0;
    double number = 0;
    if (setting->type == SETTING_WHOLE) {
        memcpy(&whole, field, sizeof whole);
        return whole;
    }
    if (setting->type == SETTING_SEED) {
        memcpy(&seed, field, sizeof seed);
        return (double)seed;
    }
    if (setting->type == SETTING_TIME) {
        memcpy(&time_ps, field, sizeof time_ps);
        return (double)time_ps / ps_per_unit(setting);
    }
    memcpy(&number, field, sizeof number);
    return number;
}

static const char *choice_of(const struct setting *setting, const void *target)
{
    unsigned value = 0;
    const struct setting_choice *choice = setting->choices;
    memcpy(&value, (const char *)target + setting->offset, sizeof value);
    while (choice->name != NULL && choice->value != value) {
        choice++;
    }
    assert(choice->name != NULL);
    return choice->name;
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

static void echo_array(struct json *parent, const char *leaf, const char *text)
{
    struct json *value = NULL;
    struct error error;
    bool ok = json_parse(text[0] != '\0' ? text : "[]", leaf, &value, &error);
    assert(ok);
    (void)ok;
    json_add_copy(parent, leaf, value);
    json_destroy(value);
}

void setting_echo(const struct setting *setting, const void *target, struct json *object)
{
    const char *leaf = NULL;
    const char *field = (const char *)target + setting->offset;
    if (setting->type == SETTING_IGNORED) {
        return;
    }
    struct json *parent = descend(object, setting->name, &leaf);
    if (setting->type == SETTING_TEXT) {
        json_add_text(parent, leaf, field);
    } else if (setting->type == SETTING_JSON) {
        echo_array(parent, leaf, field);
    } else if (setting->type == SETTING_CHOICE) {
        json_add_text(parent, leaf, choice_of(setting, target));
    } else if (setting->type == SETTING_BOOL) {
        json_add_bool(parent, leaf, *(const bool *)field);
    } else if (setting->type == SETTING_NUMBER || setting->type == SETTING_TIME) {
        json_add_setting(parent, leaf, setting_number(setting, target));
    } else {
        json_add_whole(parent, leaf, (uint64_t)setting_number(setting, target));
    }
}

void settings_echo(const struct setting *table, const void *target, struct json *object)
{
    for (; table->name != NULL; table++) {
        setting_echo(table, target, object);
    }
}

void setting_print(const struct setting *setting, const void *target, char *buffer, size_t size)
{
    const char *field = (const char *)target + setting->offset;
    if (setting->type == SETTING_TEXT || setting->type == SETTING_JSON) {
        snprintf(buffer, size, "%s", field);
    } else if (setting->type == SETTING_CHOICE) {
        snprintf(buffer, size, "%s", choice_of(setting, target));
    } else if (setting->type == SETTING_BOOL) {
        snprintf(buffer, size, "%s", *(const bool *)field ? "true" : "false");
    } else {
        snprintf(buffer, size, "%.12g", setting_number(setting, target));
    }
}

void setting_describe_type(const struct setting *setting, char *buffer, size_t size)
{
    char list[256];
    switch (setting->type) {
    case SETTING_IGNORED:
        snprintf(buffer, size, "anything");
        break;
    case SETTING_BOOL:
        snprintf(buffer, size, "true or false");
        break;
    case SETTING_TEXT:
        snprintf(buffer, size, "a text");
        break;
    case SETTING_JSON:
        snprintf(buffer, size, "a JSON array");
        break;
    case SETTING_CHOICE:
        list_choices(setting, list, sizeof list);
        snprintf(buffer, size, "one of %s", list);
        break;
    case SETTING_WHOLE:
    case SETTING_SEED:
        snprintf(buffer, size, "a whole number from %.12g to %.12g", setting->minimum,
                 setting->maximum);
        break;
    case SETTING_TIME:
    case SETTING_NUMBER:
        snprintf(buffer, size, "a number from %.12g to %.12g", setting->minimum, setting->maximum);
        break;
    }
}
