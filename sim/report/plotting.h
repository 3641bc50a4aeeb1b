/* Figures: gnuplot scripts compiled in from plots/, run over the CSV files of one set of results.
 */
#ifndef SIM_REPORT_PLOTTING_H
#define SIM_REPORT_PLOTTING_H

#include <stdio.h>

#include "sim/base/error.h"
#include "sim/base/output_set.h"

/* All that a command may leave in its folder, as one set: tables and figures. */
extern const char *const plotting_run_names[];
extern const char *const plotting_explain_names[];
extern const char *const plotting_paper_names[];
extern const char *const plotting_experiment_names[];
extern const char *const plotting_profile_names[];

/* Draws every figure whose CSV is in 'directory', as PNG and SVG. Without gnuplot nothing is drawn
 * and a line on 'notes' says so; that is no error. '*ret_count' is the number of figures. */
MUST_CHECK bool plotting_draw(const char *directory, FILE *notes, unsigned *ret_count,
                              struct error *error);

/* Ends a set: draws its figures if 'draw', and puts all of it in place. Tables are kept even where
 * a figure cannot be drawn, which is an error. */
MUST_CHECK bool plotting_finish(struct output_set *set, bool draw, unsigned *ret_count,
                                struct error *error);

/* Draws the figures of the CSV files in 'directory' anew, in place of those that are there. */
MUST_CHECK bool plotting_redraw(const char *directory, unsigned *ret_count, struct error *error);

#endif
