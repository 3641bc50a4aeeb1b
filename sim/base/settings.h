/* Plain structs described by a table, so that reading them from JSON, overriding one by
 * "key=value", echoing them into results and printing their help all come from one place.
 * A dot in a name is a level of nesting in JSON. */
#ifndef SIM_BASE_SETTINGS_H
#define SIM_BASE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

/* 2^53 - 1: beyond it, a double may stand for several whole numbers. */
#define MAX_SEED 9007199254740991.0

enum setting_type {
    SETTING_BOOL,   /* bool */
    SETTING_WHOLE,  /* uint32_t */
    SETTING_SEED,   /* uint64_t, up to MAX_SEED */
    SETTING_NUMBER, /* double */
    SETTING_TIME,   /* int64_t picoseconds; 'unit' is what people and files say: s, ms, us or ns */
    SETTING_CHOICE, /* an enum, by the names in 'choices' */
    SETTING_TEXT,   /* char[bytes] */
    SETTING_JSON,   /* char[bytes], the text of a JSON array; empty: nothing */
    SETTING_IGNORED /* accepted in a file, not kept: remarks, sources */
};

struct setting_choice {
    const char *name; /* ends a table when NULL */
    unsigned value;   /* of the enum */
    const char *help;
};

struct setting {
    const char *name; /* ends a table when NULL */
    enum setting_type type;
    bool required; /* in a file */
    size_t offset;
    size_t bytes; /* of a text */
    double minimum, maximum;
    double minimum_but_0; /* where 0 means something else: the least of other numbers; 0: none */
    const struct setting_choice *choices; /* of a choice, or of a text; NULL: any text */
    const char *unit;
    const char *help;
};

/* Table entries for member 'm' of struct 's'. */
#define SETTING_OF(s, m) .offset = offsetof(struct s, m), .bytes = sizeof(((struct s *)NULL)->m)

/* Several tables that are read and written as one, each into a struct of its own. An array of them
 * ends where 'table' is NULL. */
struct settings_part {
    const struct setting *table;
    void *target;
};

enum { MAX_SETTINGS = 128 }; /* in all parts together */

/* A file or an assignment being read into parts. */
struct settings_form {
    const struct settings_part *parts;
    uint8_t *given; /* MAX_SETTINGS, by position in the parts: becomes 'level'; NULL: not noted */
    uint8_t level;
    /* Sets the error of a key that no part has and returns false; NULL: names the nearest key. */
    bool (*explain_unknown)(const void *context, const char *name, struct error *error);
    const void *context;
};

/* What was given to an option that may be given again, such as assignments "key=value". */
enum { MAX_OPTIONS = 64 };

struct option_list {
    const char *values[MAX_OPTIONS];
    size_t count;
};

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

/* The same with several tables. */
MUST_CHECK bool settings_form_read(const struct settings_form *form, const struct json *object,
                                   const char *place, struct error *error);
MUST_CHECK bool settings_form_assign(const struct settings_form *form, const char *assignment,
                                     struct error *error);

/* Position of 'name' in the parts, or MAX_SETTINGS when none has it. */
size_t settings_position(const struct settings_part *parts, const char *name);
/* The row at a position, and its struct in '*ret_target'; NULL beyond the last. */
const struct setting *settings_at(const struct settings_part *parts, size_t position,
                                  void **ret_target);

/* Adds one setting of 'target', or every one, to 'object', nested by the dots. */
void setting_echo(const struct setting *setting, const void *target, struct json *object);
void settings_echo(const struct setting *table, const void *target, struct json *object);

/* The value of a number in 'target', a time in the setting's unit. */
double setting_number(const struct setting *setting, const void *target);
/* The value in 'target' as it would be typed. */
void setting_print(const struct setting *setting, const void *target, char *buffer, size_t size);
/* "a number", "one of gamma, poisson", ...: what a setting takes. */
void setting_describe_type(const struct setting *setting, char *buffer, size_t size);

#endif
