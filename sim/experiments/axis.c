#include "sim/experiments/axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/experiments/setting_columns.h"

/* Doubles with ten digits keep 0.1 as "0.1". */
static void print_value(const struct axis *axis, double value, char *text, size_t text_bytes)
{
    if (axis->is_whole) {
        snprintf(text, text_bytes, "%.0f", value);
    } else {
        snprintf(text, text_bytes, "%.10g", value);
    }
}

static void add_value(struct axis *axis, size_t *capacity, const char *value)
{
    axis->values = memory_grow(axis->values, capacity, (size_t)axis->count + 1, sizeof(char *));
    axis->values[axis->count++] = memory_copy_text(value);
}

/* Neighbours that round to the same whole number are one value. */
static void add_number(struct axis *axis, size_t *capacity, double value)
{
    char text[32];
    print_value(axis, value, text, sizeof text);
    if (axis->count == 0 || !text_equal(axis->values[axis->count - 1], text)) {
        add_value(axis, capacity, text);
    }
}

static bool takes_whole_numbers(const char *key)
{
    struct setting_columns columns;
    setting_columns_list(&columns);
    const struct setting *setting = setting_columns_find(&columns, key);
    return setting != NULL && (setting->type == SETTING_WHOLE || setting->type == SETTING_SEED);
}

static double between(const struct axis *axis, double share)
{
    return axis->is_log ? axis->low * pow(axis->high / axis->low, share)
                        : axis->low + (axis->high - axis->low) * share;
}

/* What stands behind "LOW..HIGH": the number of values (0: not said) and whether it is
 * logarithmic. */
static bool parse_spread(const char *spread, uint32_t *ret_count, bool *ret_log)
{
    char count[32];
    double number = 0;
    *ret_count = 0;
    *ret_log = false;
    if (spread[0] == '\0') {
        return true;
    }
    if (spread[0] != ':') {
        return false;
    }
    if (text_equal(spread + 1, "log")) {
        *ret_log = true;
        return true;
    }
    size_t length = strcspn(spread + 1, ":|");
    if (length >= sizeof count) {
        return false;
    }
    snprintf(count, sizeof count, "%.*s", (int)length, spread + 1);
    const char *rest = spread + 1 + length;
    *ret_log = text_equal(rest, ":log") || text_equal(rest, "|log");
    bool ok = text_to_whole(count, AXIS_MAX_VALUES, &number) && number >= 2 &&
              (rest[0] == '\0' || *ret_log);
    *ret_count = (uint32_t)number;
    return ok;
}

static void fill_range(struct axis *axis, uint32_t count)
{
    size_t capacity = 0;
    if (count > 0) {
        for (uint32_t i = 0; i < count; i++) {
            add_number(axis, &capacity, between(axis, (double)i / (count - 1)));
        }
        return;
    }
    for (double value = axis->low; value < axis->high * (1 - 1e-9);
         value = axis->is_log ? 2 * value : value + 1) {
        add_number(axis, &capacity, value);
    }
    add_number(axis, &capacity, axis->high);
}

/* '*ret_is_range' is false when 'list' has no "NUMBER..NUMBER" at its start. */
static bool parse_range(const char *list, struct axis *axis, bool *ret_is_range,
                        struct error *error)
{
    char low[64];
    char high[64];
    uint32_t count = 0;
    const char *dots = strstr(list, "..");
    *ret_is_range = false;
    if (dots == NULL || dots == list || dots - list >= (long)sizeof low) {
        return true;
    }
    size_t high_length = strcspn(dots + 2, ":");
    snprintf(low, sizeof low, "%.*s", (int)(dots - list), list);
    snprintf(high, sizeof high, "%.*s", (int)(high_length < 63 ? high_length : 63), dots + 2);
    if (!text_to_double(low, &axis->low)) {
        return true; /* a text that happens to hold dots, such as a path */
    }
    *ret_is_range = true;
    axis->is_range = true;
    if (!text_to_double(high, &axis->high) ||
        !parse_spread(dots + 2 + high_length, &count, &axis->is_log)) {
        return error_set(
            error, "expected LOW..HIGH, then nothing, ':N', ':log' or ':N:log', got '%s'", list);
    }
    if (axis->high <= axis->low || (axis->is_log && axis->low <= 0)) {
        return error_set(error, "expected a range that rises%s, got '%s'",
                         axis->is_log ? " and is above 0" : "", list);
    }
    if (count == 0 && !axis->is_log && (!axis->is_whole || axis->high - axis->low > 10000)) {
        return error_set(error, "say how many values '%s' has: '%s:N'", list, list);
    }
    if (axis->is_whole && (axis->low != floor(axis->low) || axis->high != floor(axis->high))) {
        return error_set(error, "'%s' takes whole numbers, got '%s'", axis->key, list);
    }
    fill_range(axis, count);
    return true;
}

static bool parse_list(const char *list, struct axis *axis, struct error *error)
{
    const char *separators = strchr(list, ';') != NULL ? ";" : ",";
    size_t capacity = 0;
    for (;;) {
        char value[AXIS_VALUE_BYTES];
        size_t length = strcspn(list, separators);
        if (length >= sizeof value) {
            return error_set(error, "a value is longer than %zu characters", sizeof value - 1);
        }
        snprintf(value, sizeof value, "%.*s", (int)length, list);
        add_value(axis, &capacity, value);
        if (list[length] == '\0') {
            return true;
        }
        list += length + 1;
    }
}

static bool check_values(const struct axis *axis, struct error *error)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < axis->count; i++) {
        ok = setting_columns_check(axis->key, axis->values[i], error);
        for (uint32_t k = 0; ok && k < i && axis->count <= 1000; k++) {
            if (text_equal(axis->values[k], axis->values[i])) {
                ok = error_set(error, "the value '%s' stands twice", axis->values[i]);
            }
        }
    }
    return ok;
}

bool axis_parse(const char *option, const char *text, struct axis *ret_axis, struct error *error)
{
    const char *equals = strchr(text, '=');
    bool is_range = false;
    memset(ret_axis, 0, sizeof *ret_axis);
    if (equals == NULL || equals == text || equals[1] == '\0' ||
        equals - text >= (long)sizeof ret_axis->key) {
        return error_set(error, "%s: expected KEY=VALUES, got '%s'", option, text);
    }
    snprintf(ret_axis->key, sizeof ret_axis->key, "%.*s", (int)(equals - text), text);
    ret_axis->is_whole = takes_whole_numbers(ret_axis->key);
    bool ok = parse_range(equals + 1, ret_axis, &is_range, error) &&
              (is_range || parse_list(equals + 1, ret_axis, error)) &&
              check_values(ret_axis, error);
    assert(!ok || ret_axis->count > 0);
    return ok || error_add_place(error, "%s %s", option, text);
}

void axis_clear(struct axis *axis)
{
    for (uint32_t i = 0; i < axis->count; i++) {
        free(axis->values[i]);
    }
    free(axis->values);
    memset(axis, 0, sizeof *axis);
}

void axis_value_at(const struct axis *axis, double share, char *text, size_t text_bytes)
{
    assert(axis->count > 0 && share > 0 && share < 1);
    if (axis->is_range) {
        double value = between(axis, share);
        print_value(axis, axis->is_whole ? round(value) : value, text, text_bytes);
    } else {
        snprintf(text, text_bytes, "%s", axis->values[(uint32_t)(share * axis->count)]);
    }
}
