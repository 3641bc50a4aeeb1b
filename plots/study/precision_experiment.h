/* From which size on a model bears a precision: what weight and KV formats cost reasoning models.
 */
#ifndef PLOTS_STUDY_PRECISION_EXPERIMENT_H
#define PLOTS_STUDY_PRECISION_EXPERIMENT_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"

/* What a format costs one model: points of accuracy below bf16, the mean over its benchmarks. */
struct precision_loss {
    char model[64];
    double size_b; /* billions of weights */
    double points;
    double error; /* of the mean */
    uint32_t benchmarks;
};

enum { PRECISION_MAX_LOSSES = 16 };

struct precision_format {
    char name[64];
    struct precision_loss losses[PRECISION_MAX_LOSSES];
    uint32_t count;
};

struct precision_table {
    struct precision_format *formats;
    uint32_t count;
};

/* The size from which on the loss stays within the limit, by a line through the logarithms of
 * losses and sizes, and the middle 90 % of the same over resampled models. */
struct precision_threshold {
    double size_b; /* NAN: the line does not fall with the size */
    double low_b;
    double high_b;
};

/* The published shares (plots/study/data/precisions.csv). */
MUST_CHECK bool precision_table_read(struct precision_table *table, struct error *error);
void precision_table_clear(struct precision_table *table);

struct precision_threshold precision_threshold_of(const struct precision_format *format,
                                                  double limit_points);

/* Writes losses and thresholds to 'table', and the losses as CSV to 'file'. */
MUST_CHECK bool precision_experiment_run(FILE *file, FILE *table, struct error *error);

#endif
