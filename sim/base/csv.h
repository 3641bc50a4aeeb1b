/* Writing rows, and strict, streaming CSV reading: a header line names the columns, fields are found by name, quoted
 * fields may hold commas, and every error names file, line and column. */
#ifndef SIM_BASE_CSV_H
#define SIM_BASE_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"

enum { CSV_MAXIMUM_COLUMNS = 32, CSV_MAXIMUM_LINE = 4096, CSV_ROW_BYTES = 512 };

struct csv_reader {
    FILE *stream;
    char path[1024];
    uint64_t line;
    size_t columns;
    char header[CSV_MAXIMUM_LINE];
    char text[CSV_MAXIMUM_LINE];
    char *names[CSV_MAXIMUM_COLUMNS];
    char *fields[CSV_MAXIMUM_COLUMNS]; /* of the current row */
};

/* Opens and reads the header. Columns outside 'known' (NULL-ended) are errors that name the
 * nearest known one; 'known' NULL accepts any. */
MUST_CHECK bool csv_open(struct csv_reader *reader, const char *path, const char *const *known,
                         struct error *error);
void csv_close(struct csv_reader *reader);

/* The number of a column that must be there. */
MUST_CHECK bool csv_require(const struct csv_reader *reader, const char *name, size_t *ret_column,
                            struct error *error);

/* The number of a column, or -1. */
int csv_find(const struct csv_reader *reader, const char *name);

/* Reads the next row. '*ret_more' is false at the end of the file; blank lines are skipped. */
MUST_CHECK bool csv_next(struct csv_reader *reader, bool *ret_more, struct error *error);

/* Fields of the current row as numbers within bounds. */
MUST_CHECK bool csv_double(const struct csv_reader *reader, size_t column, double minimum,
                           double maximum, double *ret_value, struct error *error);
MUST_CHECK bool csv_whole(const struct csv_reader *reader, size_t column, uint32_t minimum,
                          uint32_t *ret_value, struct error *error);

/* A row to be written, put together field by field: millions of them, where printf would take
 * longer than what they report. Fields beyond the room are an error of the caller's. */
struct csv_row {
    char text[CSV_ROW_BYTES];
    size_t length;
    unsigned fields;
};

void csv_row_text(struct csv_row *row, const char *text);
void csv_row_whole(struct csv_row *row, uint64_t value);
/* With so many digits after the point, at most 9; NAN makes an empty field. The value times ten to
 * the digits must lie within +-2^63. */
void csv_row_decimal(struct csv_row *row, double value, unsigned digits);
/* Ends the row and empties it for the next. */
void csv_row_write(struct csv_row *row, FILE *stream);

#endif
