/* One self-contained HTML file: a title and a list of blocks (headlines, charts, tables, texts,
 * code) as JSON, which the page's own script draws. Nothing is fetched from anywhere. */
#ifndef SIM_PAGES_PAGE_H
#define SIM_PAGES_PAGE_H

#include "sim/base/error.h"
#include "sim/base/json.h"
#include "sim/metrics/figure_table.h"
#include "sim/metrics/interval.h"
#include "sim/report/chart.h"

struct page {
    struct json *document;
    struct json *blocks;
    char title[256];
};

/* 'kind' is "run", "sweep", "plan" or "comparison"; 'lead' a sentence below the title. */
struct page page_create(const char *kind, const char *title, const char *lead);
void page_destroy(struct page *page);

/* A number with what it is about; 'bounds' may be NAN, as may be 'value' where the bounds are all
 * there is. */
struct page_headline {
    const char *label;
    const char *unit; /* NULL: none */
    const char *note; /* NULL: none */
    double value;
    struct interval bounds;
};

/* The block of headlines, and one more of them. */
struct json *page_add_headlines(struct page *page);
void page_add_headline(struct json *headlines, const struct page_headline *headline);

/* How a chart is drawn. */
struct page_chart {
    const char *heading;
    const char *note;
    const char *kind; /* "lines", "cdf", "bars", "points", "forest", "heat" */
    const char *x;    /* label of the axis */
    const char *y;
    bool log_x; /* where the range is wide */
    bool zoom;
};

/* Adds a chart with these series; returns its block, for labels of rows and the like. */
struct json *page_add_chart(struct page *page, const struct page_chart *look,
                            const struct chart *chart);

/* Colours of a chart's series in order, as the style sheet names them. */
void page_add_colours(struct json *chart, const char *const *names, size_t count);

/* Names of the rows of a chart that has some instead of an axis, from 0 on; of the columns of a
 * "heat" one. */
void page_add_rows(struct json *chart, const char *const *names, size_t count);
void page_add_columns(struct json *chart, const char *const *names, size_t count);

/* Adds a table without columns and rows; returns its block. */
struct json *page_add_table(struct page *page, const char *heading, const char *note,
                            const char *caption);
void page_add_column(struct json *table, const char *label, const char *unit, bool is_number,
                     const char *help);
/* An array to add a value to for each column. */
struct json *page_add_row(struct json *table);

/* The row of that number stands out. */
void page_mark_row(struct json *table, uint32_t row);

/* Adds a text; returns the array of its paragraphs. */
struct json *page_add_text(struct page *page, const char *heading);

/* Adds a text to be copied; a long one is folded under 'summary'. NULL: it is not long. */
void page_add_code(struct page *page, const char *heading, const char *note, const char *summary,
                   const char *text);

/* The command line as it can be typed again: "kvcast" and the arguments, quoted where a shell needs
 * it. The caller frees it. */
char *page_command(int argc, char **argv);

/* Writes the page to 'directory'/'name' (directory NULL: 'name' is the path), whole or not at all.
 */
MUST_CHECK bool page_write(const struct page *page, const char *directory, const char *name,
                           struct error *error);

/* The value of a figure as it is shown: in its unit for people. */
double page_shown(const struct figure *figure, double value);
const char *page_unit(const struct figure *figure); /* NULL: none */

#endif
