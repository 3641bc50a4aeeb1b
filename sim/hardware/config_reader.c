#include "sim/hardware/config_reader.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "sim/base/text.h"

struct config_reader config_reader_of(const struct json *document, const char *place)
{
    static const char *const parts[] = {"text_config", "llm_config", "language_config", NULL};
    assert(document != NULL && place != NULL);
    struct config_reader reader = {.top = document, .text = document, .place = place};
    for (size_t i = 0; parts[i] != NULL; i++) {
        const struct json *part = json_find(document, parts[i]);
        if (part != NULL && json_is_object(part)) {
            reader.text = part;
            return reader;
        }
    }
    return reader;
}

static bool is_null(const struct json *value)
{
    return text_equal(json_type(value), "null");
}

const struct json *config_reader_find(const struct config_reader *reader, const char *const *names)
{
    for (; *names != NULL; names++) {
        const struct json *value = json_find(reader->text, *names);
        if (value != NULL && !is_null(value)) {
            return value;
        }
    }
    return NULL;
}

bool config_reader_whole(const struct config_reader *reader, const char *const *names,
                         uint32_t otherwise, uint32_t *ret_value, struct error *error)
{
    const struct json *value = config_reader_find(reader, names);
    double number = 0;
    if (value == NULL && otherwise > 0) {
        *ret_value = otherwise;
        return true;
    }
    if (value == NULL) {
        return error_set(error, "%s: key '%s' is missing", reader->place, names[0]);
    }
    if (!json_number(value, &number)) {
        return error_set(error, "%s: '%s' must be a whole number from 1 to 1e9, got %s",
                         reader->place, json_name(value), json_type(value));
    }
    if (!(number >= 1 && number <= 1e9) || number != floor(number)) {
        return error_set(error, "%s: '%s' must be a whole number from 1 to 1e9, got %g",
                         reader->place, json_name(value), number);
    }
    *ret_value = (uint32_t)number;
    return true;
}

double config_number(const struct json *object, const char *name, double otherwise)
{
    double number = 0;
    const struct json *value = object != NULL ? json_find(object, name) : NULL;
    return value != NULL && json_number(value, &number) ? number : otherwise;
}

bool config_is_true(const struct json *object, const char *name)
{
    bool flag = false;
    const struct json *value = object != NULL ? json_find(object, name) : NULL;
    return value != NULL && json_bool(value, &flag) && flag;
}

const char *config_text(const struct json *object, const char *name)
{
    const struct json *value = object != NULL ? json_find(object, name) : NULL;
    const char *text = value != NULL ? json_text(value) : NULL;
    return text != NULL ? text : "";
}
