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

/* A whole line, however long; '*ret_more' false at the end of the file. A zero byte would hide what
 * stands behind it. */
static bool read_line(struct json_lines *lines, bool *ret_more, struct error *error)
{
    enum { PIECE_BYTES = 65536 };
    size_t length = 0;
    for (;;) {
        lines->text = memory_grow(lines->text, &lines->capacity, length + PIECE_BYTES, 1);
        z_off_t before = gztell(lines->file);
        if (gzgets(lines->file, lines->text + length, PIECE_BYTES) == NULL) {
            *ret_more = length > 0;
            return true;
        }
        size_t piece = strlen(lines->text + length);
        if ((z_off_t)piece != gztell(lines->file) - before) {
            return error_set(error, "%s:%llu: not a text file (it holds a zero byte)", lines->path,
                             (unsigned long long)lines->line);
        }
        length += piece;
        if (length > 0 && lines->text[length - 1] == '\n') {
            *ret_more = true;
            return true;
        }
    }
}

bool json_lines_next(struct json_lines *lines, struct json **ret_object, struct error *error)
{
    char place[1100];
    *ret_object = NULL;
    do {
        bool more = false;
        lines->line++;
        if (!read_line(lines, &more, error)) {
            return false;
        }
        if (!more) {
            int status = Z_OK;
            const char *message = gzerror(lines->file, &status);
            return status == Z_OK || status == Z_STREAM_END ||
                   error_set(error, "%s: %s", lines->path, message);
        }
    } while (lines->text[strspn(lines->text, " \t\r\n")] == '\0');
    snprintf(place, sizeof place, "%.1000s:%llu", lines->path, (unsigned long long)lines->line);
    return lines->is_python ? json_parse_python(lines->text, place, ret_object, error)
                            : json_parse(lines->text, place, ret_object, error);
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
