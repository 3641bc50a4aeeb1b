#include "sim/base/csv.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"

static bool fail(const struct csv_reader *reader, const char *message, struct error *error)
{
    return error_set(error, "%s:%llu: %s", reader->path, (unsigned long long)reader->line, message);
}

/* Takes the quotes of the field at '*read' away and goes on behind it; NULL, or what is wrong. */
static const char *unquote(char **read, char *write)
{
    char *at = *read + 1;
    for (; *at != '\0' && !(at[0] == '"' && at[1] != '"'); at++) {
        at += *at == '"';
        *write++ = *at;
    }
    if (*at == '\0') {
        return "a quote is not closed (quoted line ends are not read)";
    }
    *read = at + 1;
    *write = '\0';
    return *at == '"' && at[1] != ',' && at[1] != '\0' ? "text behind a closing quote" : NULL;
}

/* Splits a line in place into fields, taking quotes away. */
static bool split(struct csv_reader *reader, char *text, char **fields, size_t *ret_count,
                  struct error *error)
{
    size_t count = 0;
    char *read = text;
    for (;;) {
        if (count == CSV_MAX_COLUMNS) {
            return error_set(error, "%s:%llu: more than %d columns", reader->path,
                             (unsigned long long)reader->line, CSV_MAX_COLUMNS);
        }
        fields[count++] = read;
        if (*read == '"') {
            char *end = read;
            const char *problem = unquote(&end, read);
            if (problem != NULL) {
                return fail(reader, problem, error);
            }
            read = end;
        } else {
            read += strcspn(read, ",");
        }
        bool is_last = *read == '\0';
        *read = '\0';
        if (is_last) {
            *ret_count = count;
            return true;
        }
        read++;
    }
}

/* Reads one line without its end; '*ret_more' false at the end of the file. */
static bool read_line(struct csv_reader *reader, char **text, size_t *text_bytes, bool *ret_more,
                      struct error *error)
{
    errno = 0;
    ssize_t length = getline(text, text_bytes, reader->stream);
    *ret_more = length >= 0;
    if (!*ret_more) {
        return (ferror(reader->stream) == 0 && errno == 0) ||
               error_set(error, "%s: cannot read: %s", reader->path, strerror(errno));
    }
    reader->line++;
    if (length > CSV_MAX_LINE) {
        return error_set(error, "%s:%llu: line is longer than %d bytes", reader->path,
                         (unsigned long long)reader->line, CSV_MAX_LINE);
    }
    if (strlen(*text) != (size_t)length) {
        return fail(reader, "not a text file (it holds a zero byte)", error);
    }
    while (length > 0 && ((*text)[length - 1] == '\n' || (*text)[length - 1] == '\r')) {
        (*text)[--length] = '\0';
    }
    return text_is_utf8(*text) || fail(reader, "expected UTF-8 text", error);
}

/* A column that stands twice has no meaning. */
static bool check_unique(const struct csv_reader *reader, struct error *error)
{
    for (size_t i = 0; i < reader->columns; i++) {
        for (size_t k = 0; k < i; k++) {
            if (text_equal(reader->names[i], reader->names[k])) {
                return error_set(error, "%s:1: column '%.100s' stands twice", reader->path,
                                 reader->names[i]);
            }
        }
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

static bool read_header(struct csv_reader *reader, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of byte order */
    bool more = false;
    if (!read_line(reader, &reader->header, &reader->header_bytes, &more, error)) {
        return false;
    }
    char *header = reader->header;
    if (more && text_starts_with(header, mark)) {
        header += strlen(mark);
    }
    if (!more || header[0] == '\0') {
        return error_set(error, "%s:1: expected a header line, found nothing", reader->path);
    }
    return split(reader, header, reader->names, &reader->columns, error);
}

bool csv_open(struct csv_reader *reader, const char *path, const char *const *known,
              struct error *error)
{
    memset(reader, 0, sizeof *reader);
    if (!text_copy(reader->path, sizeof reader->path, path)) {
        return error_set(error, "'%s': path is too long", path);
    }
    const char *embedded = embedded_find(path);
    struct stat there;
    reader->stream = fopen(path, "r");
    if (reader->stream != NULL && fstat(fileno(reader->stream), &there) == 0) {
        reader->bytes = (uint64_t)there.st_size;
    }
    if (reader->stream == NULL && embedded != NULL) {
        reader->stream = fmemopen((void *)(uintptr_t)embedded, strlen(embedded), "r");
    }
    if (reader->stream == NULL) {
        return error_set(error, "%s: cannot read: %s", path, strerror(errno));
    }
    bool ok = read_header(reader, error) && check_unique(reader, error) &&
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
    free(reader->header);
    free(reader->text);
    reader->header = NULL;
    reader->text = NULL;
}

double csv_progress(const struct csv_reader *reader)
{
    long at = reader->stream != NULL ? ftell(reader->stream) : -1;
    return at > 0 && reader->bytes > 0 ? fmin(1, (double)at / (double)reader->bytes) : 0;
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
        if (!read_line(reader, &reader->text, &reader->text_bytes, ret_more, error)) {
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

void csv_writer_init(struct csv_writer *writer, FILE *stream)
{
    writer->stream = stream;
    writer->length = 0;
    writer->in_row = false;
}

void csv_writer_flush(struct csv_writer *writer)
{
    fwrite(writer->text, 1, writer->length, writer->stream);
    writer->length = 0;
}

/* Room for one more field; returns where it goes. */
static char *begin_field(struct csv_writer *writer)
{
    enum { MAX_FIELD = 256 };
    if (writer->length + MAX_FIELD > sizeof writer->text) {
        csv_writer_flush(writer);
    }
    if (writer->in_row) {
        writer->text[writer->length++] = ',';
    }
    writer->in_row = true;
    return writer->text + writer->length;
}

void csv_write_text(struct csv_writer *writer, const char *text)
{
    assert(strlen(text) <= 100);
    char *at = begin_field(writer);
    bool quoted = strpbrk(text, ",\"") != NULL;
    if (quoted) {
        *at++ = '"';
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            *at++ = '"';
        }
        *at++ = *text;
    }
    if (quoted) {
        *at++ = '"';
    }
    writer->length = (size_t)(at - writer->text);
}

/* Writes at least 'minimum' digits; returns the end. */
static char *write_digits(char *at, uint64_t value, unsigned minimum)
{
    char reversed[24];
    unsigned count = 0;
    while (value > 0 || count < minimum) {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    }
    while (count > 0) {
        *at++ = reversed[--count];
    }
    return at;
}

void csv_write_whole(struct csv_writer *writer, uint64_t value)
{
    char *end = write_digits(begin_field(writer), value, 1);
    writer->length = (size_t)(end - writer->text);
}

void csv_write_decimal(struct csv_writer *writer, double value, unsigned digits)
{
    uint64_t power = 1;
    for (unsigned i = 0; i < digits; i++) {
        power *= 10;
    }
    char *at = begin_field(writer);
    if (isnan(value)) {
        return;
    }
    uint64_t scaled = (uint64_t)(fabs(value) * (double)power + 0.5);
    if (value < 0 && scaled > 0) {
        *at++ = '-';
    }
    at = write_digits(at, scaled / power, 1);
    if (digits > 0) {
        *at++ = '.';
        at = write_digits(at, scaled % power, digits);
    }
    writer->length = (size_t)(at - writer->text);
}

void csv_write_number(struct csv_writer *writer, double value)
{
    enum { NUMBER_BYTES = 32 };
    char *at = begin_field(writer);
    if (!isnan(value)) {
        writer->length += (size_t)snprintf(at, NUMBER_BYTES, "%.9g", value);
    }
}

void csv_end_row(struct csv_writer *writer)
{
    /* fields leave room for it */
    writer->text[writer->length++] = '\n';
    writer->in_row = false;
}
