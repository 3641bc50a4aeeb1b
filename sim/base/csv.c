#include "sim/base/csv.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "sim/base/text.h"

/* Splits a line in place into fields, taking quotes away. */
static bool split(struct csv_reader *reader, char *text, char **fields, size_t *ret_count,
                  struct error *error)
{
    size_t count = 0;
    char *read = text;
    for (;;) {
        if (count == CSV_MAXIMUM_COLUMNS) {
            return error_set(error, "%s:%llu: more than %d columns", reader->path,
                             (unsigned long long)reader->line, CSV_MAXIMUM_COLUMNS);
        }
        char *write = read;
        fields[count++] = write;
        bool quoted = false;
        for (; *read != '\0' && (quoted || *read != ','); read++) {
            if (*read == '"' && quoted && read[1] == '"') {
                *write++ = *read++;
            } else if (*read == '"') {
                quoted = !quoted;
            } else {
                *write++ = *read;
            }
        }
        if (quoted) {
            return error_set(error, "%s:%llu: a quote is not closed", reader->path,
                             (unsigned long long)reader->line);
        }
        bool last = *read == '\0';
        *write = '\0';
        if (last) {
            *ret_count = count;
            return true;
        }
        read++;
    }
}

/* Reads one line without its end; '*ret_more' false at the end of the file. */
static bool read_line(struct csv_reader *reader, char *text, bool *ret_more, struct error *error)
{
    *ret_more = fgets(text, CSV_MAXIMUM_LINE, reader->stream) != NULL;
    if (!*ret_more) {
        return ferror(reader->stream) == 0 ||
               error_set(error, "%s: cannot read: %s", reader->path, strerror(errno));
    }
    reader->line++;
    size_t length = strlen(text);
    if (length == CSV_MAXIMUM_LINE - 1 && text[length - 1] != '\n') {
        return error_set(error, "%s:%llu: line is longer than %d bytes", reader->path,
                         (unsigned long long)reader->line, CSV_MAXIMUM_LINE - 2);
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) {
        text[--length] = '\0';
    }
    return true;
}

static bool check_names(const struct csv_reader *reader, const char *const *known,
                        struct error *error)
{
    for (size_t i = 0; i < reader->columns; i++) {
        bool found = false;
        for (size_t k = 0; known[k] != NULL && !found; k++) {
            found = text_equal(reader->names[i], known[k]);
        }
        if (!found) {
            text_error_unknown(error, "unknown column", reader->names[i], known, "");
            return error_add_place(error, "%s:1", reader->path);
        }
    }
    return true;
}

bool csv_open(struct csv_reader *reader, const char *path, const char *const *known,
              struct error *error)
{
    memset(reader, 0, sizeof *reader);
    if (!text_copy(reader->path, sizeof reader->path, path)) {
        return error_set(error, "'%s': path is too long", path);
    }
    reader->stream = fopen(path, "r");
    if (reader->stream == NULL) {
        return error_set(error, "%s: cannot read: %s", path, strerror(errno));
    }
    bool more = false;
    bool ok = read_line(reader, reader->header, &more, error);
    if (ok && (!more || reader->header[0] == '\0')) {
        ok = error_set(error, "%s:1: expected a header line, found nothing", path);
    }
    ok = ok && split(reader, reader->header, reader->names, &reader->columns, error) &&
         (known == NULL || check_names(reader, known, error));
    if (!ok) {
        csv_close(reader);
    }
    return ok;
}

void csv_close(struct csv_reader *reader)
{
    if (reader->stream != NULL) {
        fclose(reader->stream);
        reader->stream = NULL;
    }
}

int csv_find(const struct csv_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->columns; i++) {
        if (text_equal(reader->names[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

bool csv_require(const struct csv_reader *reader, const char *name, size_t *ret_column,
                 struct error *error)
{
    int column = csv_find(reader, name);
    if (column < 0) {
        return error_set(error, "%s:1: column '%s' is missing", reader->path, name);
    }
    *ret_column = (size_t)column;
    return true;
}

bool csv_next(struct csv_reader *reader, bool *ret_more, struct error *error)
{
    do {
        if (!read_line(reader, reader->text, ret_more, error)) {
            return false;
        }
        if (!*ret_more) {
            return true;
        }
    } while (reader->text[0] == '\0');
    size_t count = 0;
    if (!split(reader, reader->text, reader->fields, &count, error)) {
        return false;
    }
    if (count != reader->columns) {
        return error_set(error, "%s:%llu: expected %zu fields, found %zu", reader->path,
                         (unsigned long long)reader->line, reader->columns, count);
    }
    return true;
}

bool csv_double(const struct csv_reader *reader, size_t column, double minimum, double maximum,
                double *ret_value, struct error *error)
{
    double value = 0;
    if (!text_to_double(reader->fields[column], &value) || value < minimum || value > maximum) {
        return error_set(error, "%s:%llu: '%s' must be a number from %g to %g, found '%.40s'",
                         reader->path, (unsigned long long)reader->line, reader->names[column],
                         minimum, maximum, reader->fields[column]);
    }
    *ret_value = value;
    return true;
}

bool csv_whole(const struct csv_reader *reader, size_t column, uint32_t minimum,
               uint32_t *ret_value, struct error *error)
{
    double value = 0;
    if (!text_to_whole(reader->fields[column], UINT32_MAX, &value) || value < minimum) {
        return error_set(error, "%s:%llu: '%s' must be a whole number from %u to %u, found '%.40s'",
                         reader->path, (unsigned long long)reader->line, reader->names[column],
                         minimum, UINT32_MAX, reader->fields[column]);
    }
    *ret_value = (uint32_t)value;
    return true;
}

static void put(struct csv_row *row, const char *bytes, size_t count)
{
    assert(row->length + count + 1 < sizeof row->text);
    if (row->fields++ > 0) {
        row->text[row->length++] = ',';
    }
    memcpy(row->text + row->length, bytes, count);
    row->length += count;
}

void csv_row_text(struct csv_row *row, const char *text)
{
    put(row, text, strlen(text));
}

/* Writes the digits before 'end', at least 'minimum' of them; returns the first. */
static char *digits_before(char *end, uint64_t value, unsigned minimum)
{
    char *first = end;
    while (value > 0 || minimum > 0) {
        *--first = (char)('0' + value % 10);
        value /= 10;
        minimum -= minimum > 0;
    }
    return first;
}

void csv_row_whole(struct csv_row *row, uint64_t value)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *first = digits_before(end, value, 1);
    put(row, first, (size_t)(end - first));
}

void csv_row_decimal(struct csv_row *row, double value, unsigned digits)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    char buffer[48];
    char *end = buffer + sizeof buffer;
    if (isnan(value)) {
        put(row, "", 0);
        return;
    }
    int64_t scaled = llround(value * (double)powers[digits]);
    uint64_t size = scaled < 0 ? -(uint64_t)scaled : (uint64_t)scaled;
    char *first = end;
    if (digits > 0) {
        first = digits_before(first, size % powers[digits], digits);
        *--first = '.';
    }
    first = digits_before(first, size / powers[digits], 1);
    if (scaled < 0) {
        *--first = '-';
    }
    put(row, first, (size_t)(end - first));
}

void csv_row_write(struct csv_row *row, FILE *stream)
{
    row->text[row->length++] = '\n';
    fwrite(row->text, 1, row->length, stream);
    row->length = 0;
    row->fields = 0;
}
