/* Writing CSV, and strict, streaming CSV reading: a header line names the columns, each once;
 * fields are found by name; quoted fields may hold commas and quotes, but no line ends. A
 * byte-order mark and carriage returns at line ends are skipped; text must be UTF-8. Every error
 * names file, line and column. */
#ifndef SIM_BASE_CSV_H
#define SIM_BASE_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"

enum { CSV_MAX_COLUMNS = 256, CSV_MAX_LINE = 1 << 20, CSV_WRITER_BYTES = 1 << 16 };

struct csv_reader {
    FILE *stream;
    char path[1024];
    uint64_t line;
    uint64_t bytes; /* of the file; 0: not known */
    size_t columns;
    char *header;
    size_t header_bytes;
    char *text;
    size_t text_bytes;
    char *names[CSV_MAX_COLUMNS];
    char *fields[CSV_MAX_COLUMNS]; /* of the current row */
};

/* Opens the file on disk, else the one compiled in, and reads the header. Columns outside 'known'
 * (NULL-ended) are errors that name the nearest known one; 'known' NULL accepts any. */
MUST_CHECK bool csv_open(struct csv_reader *reader, const char *path, const char *const *known,
                         struct error *error);
void csv_close(struct csv_reader *reader);

/* The number of a column that must be there. */
MUST_CHECK bool csv_require(const struct csv_reader *reader, const char *name, size_t *ret_column,
                            struct error *error);

/* The number of a column, or -1. */
int csv_find(const struct csv_reader *reader, const char *name);

/* The part of the file that has been read, from 0 to 1; 0 when that is not known. */
double csv_progress(const struct csv_reader *reader);

/* Reads the next row. '*ret_more' is false at the end of the file; blank lines are skipped. */
MUST_CHECK bool csv_next(struct csv_reader *reader, bool *ret_more, struct error *error);

/* Fields of the current row as numbers within bounds. */
MUST_CHECK bool csv_double(const struct csv_reader *reader, size_t column, double minimum,
                           double maximum, double *ret_value, struct error *error);
MUST_CHECK bool csv_whole(const struct csv_reader *reader, size_t column, uint32_t minimum,
                          uint32_t *ret_value, struct error *error);

/* Writes rows field by field: millions of them, where printf would take longer than what they
 * report. What is not flushed is lost. */
struct csv_writer {
    FILE *stream;
    size_t length;
    bool in_row;
    char text[CSV_WRITER_BYTES];
};

void csv_writer_init(struct csv_writer *writer, FILE *stream);
/* Of at most 100 bytes; quoted where it holds a comma or a quote. */
void csv_write_text(struct csv_writer *writer, const char *text);
void csv_write_whole(struct csv_writer *writer, uint64_t value);
/* With so many digits after the point, at most 9; NAN makes an empty field. The value times ten to
 * the digits must lie within +-2^63. */
void csv_write_decimal(struct csv_writer *writer, double value, unsigned digits);
/* With nine significant digits; NAN makes an empty field. */
void csv_write_number(struct csv_writer *writer, double value);
void csv_end_row(struct csv_writer *writer);
void csv_writer_flush(struct csv_writer *writer);

#endif
