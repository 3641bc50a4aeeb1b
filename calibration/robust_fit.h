/* Linear least squares with coefficients of at least zero, relative errors and little weight for
 * outliers. */
#ifndef CALIBRATION_ROBUST_FIT_H
#define CALIBRATION_ROBUST_FIT_H

#include <stddef.h>

/* Minimizes the Huber loss of (fitted - target) / max(fitted, target): relative to the larger, so
 * that a target that lies far too low repels no more than one that lies too high. 'rows' holds
 * count x columns numbers, row by row; 'targets' must be > 0. Writes 'columns' coefficients, each
 * >= 0; columns that no row uses get 0. */
void robust_fit(const double *rows, const double *targets, size_t count, size_t columns,
                double *ret_coefficients);

#endif
