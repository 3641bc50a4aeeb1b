/* The data of one figure: series of points, spread over panels. gnuplot draws it from a CSV file,
 * the script of a page from JSON. */
#ifndef SIM_REPORT_CHART_H
#define SIM_REPORT_CHART_H

#include <stddef.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

enum { CHART_LABEL_BYTES = 96 };

/* NAN where there is nothing to say. */
struct chart_point {
    double x;
    double y;
    double low; /* of the interval around y, or of the bar in a chart of bars */
    double high;
};

struct chart_series {
    char panel[CHART_LABEL_BYTES];
    char label[CHART_LABEL_BYTES];
    struct chart_point *points;
    size_t count;
    size_t capacity;
};

/* Zeroed: empty. */
struct chart {
    struct chart_series *series;
    size_t count;
    size_t capacity;
};

/* Adds an empty series and returns its number. Texts are cut to the room for labels. */
size_t chart_add_series(struct chart *chart, const char *panel, const char *label);
void chart_add_point(struct chart *chart, size_t series, struct chart_point point);
/* A point without an interval. */
void chart_add_xy(struct chart *chart, size_t series, double x, double y);
void chart_clear(struct chart *chart);

/* Writes 'name' in 'directory' with the columns panel, series, x, y, low, high; empty fields where
 * there is nothing to say. */
MUST_CHECK bool chart_write_csv(const struct chart *chart, const char *directory, const char *name,
                                struct error *error);

/* Adds the member "series": {panel, label, x, y[, low, high]} each, of arrays of numbers. */
void chart_add_json(const struct chart *chart, struct json *object);

#endif
