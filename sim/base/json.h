/* JSON documents, read strictly and written prettily. The only place that knows cJSON. */
#ifndef SIM_BASE_JSON_H
#define SIM_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/error.h"

struct json; /* one value of a document; children belong to their parent */

/* Reading. The document is the caller's to destroy; errors name file and line. */
MUST_CHECK bool json_read_file(const char *path, struct json **ret_document, struct error *error);
MUST_CHECK bool json_parse(const char *text, const char *place, struct json **ret_document,
                           struct error *error);
/* The same for what Python writes, which knows constants that JSON does not: Infinity becomes the
 * text "inf", NaN an empty text. Changes 'text'. */
MUST_CHECK bool json_parse_python(char *text, const char *place, struct json **ret_document,
                                  struct error *error);
MUST_CHECK bool json_read_python_file(const char *path, struct json **ret_document,
                                      struct error *error);
void json_destroy(struct json *document);

const struct json *json_find(const struct json *object, const char *name); /* or NULL */
const struct json *json_first(const struct json *parent);                  /* child, or NULL */
const struct json *json_next(const struct json *child);
uint32_t json_child_count(const struct json *parent); /* 0 of NULL */
const char *json_name(const struct json *value);      /* the key it stands under; "" in an array */
const char *json_type(const struct json *value);      /* "number", "object", ... */
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
const char *json_text(const struct json *value); /* NULL when it is no text */
bool json_number(const struct json *value, double *ret_value);
bool json_bool(const struct json *value, bool *ret_value);

/* Reads member 'name' as an array of exactly 'count' numbers; errors name 'place'. */
MUST_CHECK bool json_numbers(const struct json *object, const char *place, const char *name,
                             double *values, size_t count, struct error *error);

/* Members of 'object' must all stand in 'known' (NULL-ended); names the nearest. */
MUST_CHECK bool json_check_keys(const struct json *object, const char *place,
                                const char *const *known, struct error *error);

/* Writing. */
struct json *json_create_object(void);
struct json *json_add_object(struct json *parent, const char *name); /* name NULL: to an array */
struct json *json_add_array(struct json *parent, const char *name);
void json_add_number(struct json *parent, const char *name, double value);
void json_add_whole(struct json *parent, const char *name, uint64_t value);
/* With as many digits as it takes to read the same number again; must be finite. */
void json_add_setting(struct json *parent, const char *name, double value);
void json_add_text(struct json *parent, const char *name, const char *value);
void json_add_bool(struct json *parent, const char *name, bool value);
void json_add_null(struct json *parent, const char *name);
/* A copy of a value of another document. */
void json_add_copy(struct json *parent, const char *name, const struct json *value);
/* Writes to 'directory'/'name' (directory NULL: 'name' is the path), whole or not at all. */
MUST_CHECK bool json_write_file(const struct json *document, const char *directory,
                                const char *name, struct error *error);
/* A text to free(); the second without white space. */
char *json_print(const struct json *document);
char *json_print_line(const struct json *value);

#endif
