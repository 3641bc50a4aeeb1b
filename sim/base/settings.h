/* Plain structs described by a table, so that reading them from JSON, overriding one by
 * "key=value", echoing them into results and printing their help all come from one place.
 * A dot in a name is a level of nesting in JSON. */
#ifndef SIM_BASE_SETTINGS_H
#define SIM_BASE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

/* 2^53 - 1: beyond it, a double may stand for several whole numbers. */
#define MAX_SEED 9007199254740991.0

enum setting_type {
    SETTING_BOOL,   /* bool */
    SETTING_WHOLE,  /* uint32_t */
    SETTING_SEED,   /* uint64_t, up to MAX_SEED */
    SETTING_NUMBER, /* double */
    SETTING_TEXT,   /* char[bytes] */
    SETTING_IGNORED /* accepted in a file, not kept: remarks, sources */
};

struct setting {
    const char *name; /* ends a table when NULL */
    enum setting_type type;
    bool required; /* in a file */
    size_t offset;
    size_t bytes; /* of a text */
    double minimum, maximum;
    const char *const *choices; /* of a text, NULL-ended; NULL: anything */
    const char *unit;
    const char *help;
};

/* Table entries for member 'm' of struct 's'. */
#define SETTING_OF(s, m) .offset = offsetof(struct s, m), .bytes = sizeof(((struct s *)NULL)->m)

struct settings_list {
    void *items;
    uint32_t count;
};

/* Fills 'target' from a JSON object: unknown keys, wrong types, values out of range and missing
 * required keys are errors that begin with 'place'. Keys that are absent leave 'target' alone. */
MUST_CHECK bool settings_read(const struct setting *table, const struct json *object,
                              const char *place, void *target, struct error *error);

/* Reads the array 'list' of a shipped or given file into a new array of structs of 'element_bytes',
 * the caller's to free(). */
MUST_CHECK bool settings_read_list(const struct setting *table, const char *path, const char *list,
                                   size_t element_bytes, struct settings_list *ret_list,
                                   struct error *error);

/* Overrides one setting from "key=value". */
MUST_CHECK bool settings_assign(const struct setting *table, const char *assignment, void *target,
                                struct error *error);

/* Adds every setting to 'object', nested by the dots. */
void settings_echo(const struct setting *table, const void *target, struct json *object);

/* One line per setting: name, unit, value in 'target', help. */
void settings_print_help(const struct setting *table, const void *target, FILE *stream);

#endif
