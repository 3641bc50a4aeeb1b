/* The figures of a run as one table: what each is called, measured in and defined as, and where it
 * lies in struct run_summary. The screen, summary.json, CSV files, prediction intervals, database
 * columns and goals all read this table, so a new figure takes one row. */
#ifndef SIM_METRICS_FIGURE_TABLE_H
#define SIM_METRICS_FIGURE_TABLE_H

#include <stddef.h>

#include "sim/base/error.h"
#include "sim/metrics/run_summary.h"

enum figure_type {
    FIGURE_COUNT,  /* uint64_t */
    FIGURE_WHOLE,  /* uint32_t */
    FIGURE_NUMBER, /* double; NAN where there is nothing to say */
    FIGURE_EXACT   /* bool: percentiles are exact; a text in summary.json, no number */
};

struct figure {
    const char *key; /* as in summary.json; a group ends at the first dot; NULL ends the table */
    const char *unit;
    const char *label; /* in tables on screen */
    const char *help;  /* the definition, a full sentence */
    enum figure_type type;
    size_t offset;          /* in struct run_summary */
    double shown_scale;     /* on screen the value is multiplied by this; 0: as it is */
    const char *shown_unit; /* on screen */
    bool is_main;           /* stands in the short tables on screen */
    bool is_extra;          /* not in summary.json: in tables and goals only */
};

extern const struct figure figure_table[];

/* Rows of the table, the ending one left out. */
size_t figure_table_count(void);

/* The row of that key. Goals may also say "usd" and "gpus". An unknown key is an error that names
 * the nearest one. */
MUST_CHECK bool figure_find(const char *key, const struct figure **ret_figure, struct error *error);

/* The value as a number; NAN for one that is none. */
double figure_value(const struct figure *figure, const struct run_summary *summary);

/* Sets the value; counts are rounded, and NAN is taken as 0 there. */
void figure_set(const struct figure *figure, struct run_summary *summary, double value);

/* True for figures of summary.json's "price"; all others stand in "results". */
bool figure_is_price(const struct figure *figure);

#endif
