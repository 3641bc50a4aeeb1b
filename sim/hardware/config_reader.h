/* Looks keys of a config.json up under the names that different families give them. Internal to
 * the modules that read such files. */
#ifndef SIM_HARDWARE_CONFIG_READER_H
#define SIM_HARDWARE_CONFIG_READER_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

struct config_reader {
    const struct json *top;  /* the whole file */
    const struct json *text; /* its text part: 'text_config' where there is one, else all */
    const char *place;       /* for errors */
};

struct config_reader config_reader_of(const struct json *document, const char *place);

/* The first of the NULL-ended 'names' that is there and not null, in the text part; or NULL. */
const struct json *config_reader_find(const struct config_reader *reader, const char *const *names);

/* A whole number from 1 to 1e9 under one of 'names'. When none is there, 'otherwise' counts; 0
 * makes that an error. */
MUST_CHECK bool config_reader_whole(const struct config_reader *reader, const char *const *names,
                                    uint32_t otherwise, uint32_t *ret_value, struct error *error);

/* A number under 'name' of 'object', or 'otherwise' when there is none. */
double config_number(const struct json *object, const char *name, double otherwise);

/* True when 'name' of 'object' is the value true. */
bool config_is_true(const struct json *object, const char *name);

/* The text under 'name' of 'object', or "". */
const char *config_text(const struct json *object, const char *name);

#endif
