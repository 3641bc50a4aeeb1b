/* Figures: gnuplot scripts compiled in from plots/, run over a folder of results. */
#ifndef SIM_CLI_FIGURES_H
#define SIM_CLI_FIGURES_H

#include <stdio.h>

#include "sim/base/error.h"

/* Draws every figure whose CSV is in 'directory', as PNG and SVG. Without gnuplot nothing is drawn
 * and a line on 'notes' says so; that is no error. '*ret_count' is the number of figures. */
MUST_CHECK bool figures_draw(const char *directory, FILE *notes, unsigned *ret_count,
                             struct error *error);

#endif
