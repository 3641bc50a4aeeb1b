/* JSON Lines, plain or gzipped: one object a line. The only place that knows zlib. */
#ifndef SIM_BASE_JSON_LINES_H
#define SIM_BASE_JSON_LINES_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

struct json_lines {
    void *file;
    const char *path; /* borrowed */
    uint64_t line;
    char *text; /* of the current line */
    size_t capacity;
    bool is_python; /* lines may hold Python's constants, see json_parse_python() */
};

MUST_CHECK bool json_lines_open(struct json_lines *lines, const char *path, struct error *error);
void json_lines_close(struct json_lines *lines);

/* The next object, the caller's to destroy; NULL at the end. Blank lines are skipped. */
MUST_CHECK bool json_lines_next(struct json_lines *lines, struct json **ret_object,
                                struct error *error);

/* A number of the current object, from 0 on; errors name the line. */
MUST_CHECK bool json_lines_number(const struct json_lines *lines, const struct json *object,
                                  const char *name, double maximum, double *ret_value,
                                  struct error *error);

#endif
