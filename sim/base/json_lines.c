#include "sim/base/json_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sim/base/memory.h"

bool json_lines_open(struct json_lines *lines, const char *path, struct error *error)
{
    *lines = (struct json_lines){.path = path};
    lines->file = gzopen(path, "rb");
    return lines->file != NULL || error_set(error, "%s: cannot read: %s", path, strerror(errno));
}

void json_lines_close(struct json_lines *lines)
{
    if (lines->file != NULL) {
        gzclose(lines->file);
    }
    free(lines->text);
    *lines = (struct json_lines){.path = lines->path};
}

/* A whole line, however long; false at the end of the file. */
static bool read_line(struct json_lines *lines)
{
    enum { PIECE_BYTES = 65536 };
    size_t length = 0;
    for (;;) {
        lines->text = memory_grow(lines->text, &lines->capacity, length + PIECE_BYTES, 1);
        if (gzgets(lines->file, lines->text + length, PIECE_BYTES) == NULL) {
            return length > 0;
        }
        length += strlen(lines->text + length);
        if (length > 0 && lines->text[length - 1] == '\n') {
            return true;
        }
    }
}

bool json_lines_next(struct json_lines *lines, struct json **ret_object, struct error *error)
{
    char place[1100];
    *ret_object = NULL;
    do {
        lines->line++;
        if (!read_line(lines)) {
            int status = Z_OK;
            const char *message = gzerror(lines->file, &status);
            return status == Z_OK || status == Z_STREAM_END ||
                   error_set(error, "%s: %s", lines->path, message);
        }
    } while (lines->text[strspn(lines->text, " \t\r\n")] == '\0');
    snprintf(place, sizeof place, "%.1000s:%llu", lines->path, (unsigned long long)lines->line);
    return json_parse(lines->text, place, ret_object, error);
}

bool json_lines_number(const struct json_lines *lines, const struct json *object, const char *name,
                       double maximum, double *ret_value, struct error *error)
{
    const struct json *item = json_find(object, name);
    return (item != NULL && json_number(item, ret_value) && *ret_value >= 0 &&
            *ret_value <= maximum) ||
           error_set(error, "%s:%llu: '%s' must be a number from 0 to %g", lines->path,
                     (unsigned long long)lines->line, name, maximum);
}
