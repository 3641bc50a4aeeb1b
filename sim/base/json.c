#include "sim/base/json.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"

/* struct json is never defined: it is cJSON seen from outside. */
static const cJSON *inner(const struct json *value)
{
    return (const cJSON *)value;
}

static struct json *outer(cJSON *value)
{
    return (struct json *)value;
}

static bool read_whole_file(const char *path, char **ret_text, struct error *error)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return error_set(error, "%s: cannot read: %s", path, strerror(errno));
    }
    size_t used = 0;
    size_t capacity = 0;
    char *text = NULL;
    size_t count = 0;
    do {
        text = memory_grow(text, &capacity, used + 65536, 1);
        count = fread(text + used, 1, capacity - used - 1, stream);
        used += count;
    } while (count > 0);
    bool ok = ferror(stream) == 0 || error_set(error, "%s: cannot read: %s", path, strerror(errno));
    fclose(stream);
    text[used] = '\0';
    if (ok && strlen(text) != used) {
        ok = error_set(error, "%s: not a text file (it holds a zero byte)", path);
    }
    if (!ok) {
        free(text);
        return false;
    }
    *ret_text = text;
    return true;
}

bool json_parse(const char *text, const char *place, struct json **ret_document,
                struct error *error)
{
    assert(text != NULL);
    const char *end = text;
    if (!text_is_utf8(text)) {
        return error_set(error, "%s: expected UTF-8 text", place);
    }
    cJSON *document = cJSON_ParseWithOpts(text, &end, 1);
    if (document == NULL && end == NULL) {
        return error_set(error, "%s: malformed JSON", place);
    }
    if (document == NULL) {
        unsigned line = 1;
        for (const char *c = text; c < end; c++) {
            line += *c == '\n';
        }
        int length = (int)strcspn(end, "\n");
        return error_set(error, "%s:%u: malformed JSON near '%.*s'", place, line,
                         length < 20 ? length : 20, end);
    }
    *ret_document = outer(document);
    return true;
}

bool json_read_file(const char *path, struct json **ret_document, struct error *error)
{
    char *text = NULL;
    bool ok = read_whole_file(path, &text, error) && json_parse(text, path, ret_document, error);
    free(text);
    return ok;
}

/* Puts what JSON knows in place of what Python writes, outside of texts. */
static void replace_constants(char *text)
{
    static const struct {
        const char *constant;
        const char *instead; /* as long */
    } constants[] = {{"-Infinity", "\"-inf\"   "}, {"Infinity", "\"inf\"   "}, {"NaN", "\"\" "}};
    bool in_text = false;
    for (char *at = text; *at != '\0'; at++) {
        if (in_text && *at == '\\' && at[1] != '\0') {
            at++;
            continue;
        }
        in_text ^= *at == '"';
        for (size_t i = 0; !in_text && i < sizeof constants / sizeof constants[0]; i++) {
            if (text_starts_with(at, constants[i].constant)) {
                memcpy(at, constants[i].instead, strlen(constants[i].instead));
                at += strlen(constants[i].instead) - 1;
                break;
            }
        }
    }
}

bool json_parse_python(char *text, const char *place, struct json **ret_document,
                       struct error *error)
{
    replace_constants(text);
    return json_parse(text, place, ret_document, error);
}

bool json_read_python_file(const char *path, struct json **ret_document, struct error *error)
{
    char *text = NULL;
    bool ok =
        read_whole_file(path, &text, error) && json_parse_python(text, path, ret_document, error);
    free(text);
    return ok;
}

void json_destroy(struct json *document)
{
    cJSON_Delete((cJSON *)document);
}

const struct json *json_find(const struct json *object, const char *name)
{
    return outer(cJSON_GetObjectItemCaseSensitive(inner(object), name));
}

const struct json *json_first(const struct json *parent)
{
    return parent != NULL ? outer(inner(parent)->child) : NULL;
}

const struct json *json_next(const struct json *child)
{
    return outer(inner(child)->next);
}

uint32_t json_child_count(const struct json *parent)
{
    uint32_t count = 0;
    for (const struct json *child = json_first(parent); child != NULL; child = json_next(child)) {
        count++;
    }
    return count;
}

const char *json_name(const struct json *value)
{
    return inner(value)->string != NULL ? inner(value)->string : "";
}

const char *json_type(const struct json *value)
{
    if (cJSON_IsNumber(inner(value)) && !isfinite(inner(value)->valuedouble)) {
        return "a number that is too large";
    }
    static const struct {
        int type;
        const char *name;
    } types[] = {{cJSON_False, "bool"},    {cJSON_True, "bool"},   {cJSON_NULL, "null"},
                 {cJSON_Number, "number"}, {cJSON_String, "text"}, {cJSON_Array, "array"},
                 {cJSON_Object, "object"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((inner(value)->type & 0xff) == types[i].type) {
            return types[i].name;
        }
    }
    return "nothing";
}

bool json_is_object(const struct json *value)
{
    return cJSON_IsObject(inner(value));
}

bool json_is_array(const struct json *value)
{
    return cJSON_IsArray(inner(value));
}

const char *json_text(const struct json *value)
{
    return cJSON_IsString(inner(value)) ? inner(value)->valuestring : NULL;
}

bool json_number(const struct json *value, double *ret_value)
{
    if (!cJSON_IsNumber(inner(value)) || !isfinite(inner(value)->valuedouble)) {
        return false;
    }
    *ret_value = inner(value)->valuedouble;
    return true;
}

bool json_bool(const struct json *value, bool *ret_value)
{
    if (!cJSON_IsBool(inner(value))) {
        return false;
    }
    *ret_value = cJSON_IsTrue(inner(value));
    return true;
}

bool json_numbers(const struct json *object, const char *place, const char *name, double *values,
                  size_t count, struct error *error)
{
    const struct json *array = json_find(object, name);
    if (array == NULL || !json_is_array(array)) {
        return error_set(error, "%s: '%s' must be an array of %zu numbers", place, name, count);
    }
    size_t i = 0;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        if (i >= count || !json_number(item, &values[i])) {
            return error_set(error, "%s: '%s' must be an array of %zu numbers, item %zu is %s",
                             place, name, count, i + 1, i >= count ? "too many" : json_type(item));
        }
        i++;
    }
    return i == count || error_set(error, "%s: '%s' must be an array of %zu numbers, found %zu",
                                   place, name, count, i);
}

bool json_check_keys(const struct json *object, const char *place, const char *const *known,
                     struct error *error)
{
    for (const struct json *child = json_first(object); child != NULL; child = json_next(child)) {
        bool found = false;
        for (size_t i = 0; known[i] != NULL && !found; i++) {
            found = text_equal(json_name(child), known[i]);
        }
        if (!found) {
            text_error_unknown(error, "unknown key", json_name(child), known, "");
            return error_add_place(error, "%s", place);
        }
    }
    return true;
}

struct json *json_create_object(void)
{
    return outer(cJSON_CreateObject());
}

/* Hangs 'value' under 'parent', by name in an object and at the end of an array. */
static struct json *add(struct json *parent, const char *name, cJSON *value)
{
    if (name == NULL) {
        cJSON_AddItemToArray((cJSON *)parent, value);
    } else {
        cJSON_AddItemToObject((cJSON *)parent, name, value);
    }
    return outer(value);
}

struct json *json_add_object(struct json *parent, const char *name)
{
    return add(parent, name, cJSON_CreateObject());
}

struct json *json_add_array(struct json *parent, const char *name)
{
    return add(parent, name, cJSON_CreateArray());
}

void json_add_number(struct json *parent, const char *name, double value)
{
    if (isfinite(value)) {
        char digits[40];
        snprintf(digits, sizeof digits, "%.12g", value);
        add(parent, name, cJSON_CreateRaw(digits));
    } else {
        json_add_null(parent, name);
    }
}

void json_add_whole(struct json *parent, const char *name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    add(parent, name, cJSON_CreateRaw(digits));
}

void json_add_setting(struct json *parent, const char *name, double value)
{
    char digits[40];
    assert(isfinite(value));
    for (int precision = 12; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    add(parent, name, cJSON_CreateRaw(digits));
}

void json_add_text(struct json *parent, const char *name, const char *value)
{
    add(parent, name, cJSON_CreateString(value));
}

void json_add_bool(struct json *parent, const char *name, bool value)
{
    add(parent, name, cJSON_CreateBool(value));
}

void json_add_null(struct json *parent, const char *name)
{
    add(parent, name, cJSON_CreateNull());
}

void json_add_copy(struct json *parent, const char *name, const struct json *value)
{
    add(parent, name, cJSON_Duplicate(inner(value), true));
}

char *json_print(const struct json *document)
{
    return cJSON_Print(inner(document));
}

char *json_print_line(const struct json *value)
{
    return cJSON_PrintUnformatted(inner(value));
}

bool json_write_file(const struct json *document, const char *directory, const char *name,
                     struct error *error)
{
    struct output_file file = {0};
    if (!output_file_open(&file, directory, name, error)) {
        return false;
    }
    char *text = json_print(document);
    fprintf(file.stream, "%s\n", text);
    free(text);
    return output_file_commit(&file, error);
}
