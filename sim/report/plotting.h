/* Figures: gnuplot scripts compiled in from plots/, each run over one table of a folder. The tables
 * of figures of runs are made here, from the results of one run or of several. */
#ifndef SIM_REPORT_PLOTTING_H
#define SIM_REPORT_PLOTTING_H

#include <stdio.h>

#include "sim/base/error.h"
#include "sim/base/output_set.h"
#include "sim/report/chart.h"
#include "sim/report/figure_style.h"

/* All that a command may leave in its folder, as one set: tables and figures. */
extern const char *const plotting_run_names[];
extern const char *const plotting_explain_names[];
extern const char *const plotting_paper_names[];
extern const char *const plotting_experiment_names[];
extern const char *const plotting_profile_names[];

/* What is to be drawn. */
struct plotting {
    const struct figure_style *style;
    const char *const *runs; /* folders of results to lay over each other */
    size_t run_count;
};

/* Draws into 'directory' the figures of the runs, each beside its table, and those whose table lies
 * there. Without gnuplot nothing is written and a line on 'notes' says so; that is no error.
 * '*ret_count' is the number of figures. */
MUST_CHECK bool plotting_draw(const struct plotting *plotting, const char *directory, FILE *notes,
                              unsigned *ret_count, struct error *error);

/* Ends a set: draws the figures of what is in it if 'draw', and puts all of it in place. Tables are
 * kept even where a figure cannot be drawn, which is an error. */
MUST_CHECK bool plotting_finish(struct output_set *set, bool draw, unsigned *ret_count,
                                struct error *error);

/* Draws the figures of the runs into 'directory', in place of those that are there; 'directory' the
 * only run: the figures of its other tables too. */
MUST_CHECK bool plotting_redraw(const struct plotting *plotting, const char *directory,
                                unsigned *ret_count, struct error *error);

/* Writes one table that a figure is drawn from into 'directory', and draws it there. */
MUST_CHECK bool plotting_table(const struct figure_style *style, const struct chart *chart,
                               const char *table, const char *directory, unsigned *ret_count,
                               struct error *error);

#endif
