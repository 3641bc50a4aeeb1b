/* Linear least squares with coefficients of at least zero, relative errors and little weight for
 * outliers; medians. */
#ifndef CALIBRATION_ROBUST_FIT_H
#define CALIBRATION_ROBUST_FIT_H

#include <stddef.h>

/* Minimizes the Huber loss of (fitted - target) / max(fitted, target): relative to the larger, so
 * that a target that lies far too low repels no more than one that lies too high. 'rows' holds
 * count x columns numbers, row by row; 'targets' must be > 0. Writes 'columns' coefficients, each
 * >= 0; columns that no row uses get 0. */
void robust_fit(const double *rows, const double *targets, size_t count, size_t columns,
                double *ret_coefficients);

/* The median; NAN of none. Sorts 'values'. */
double robust_median(double *values, size_t count);

/* The standard deviation about zero that normal numbers with this median of absolute values have; 0
 * of none. Sorts 'values' by their size, without sign. */
double robust_deviation(double *values, size_t count);

#endif
