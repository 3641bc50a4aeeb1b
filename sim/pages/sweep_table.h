/* The finished runs of a sweep's file, a row a point: the settings that vary, and some figures with
 * where the next replication lies. */
#ifndef SIM_PAGES_SWEEP_TABLE_H
#define SIM_PAGES_SWEEP_TABLE_H

#include <stdint.h>

#include "sim/metrics/figure_table.h"
#include "sim/metrics/interval.h"

enum { SWEEP_TABLE_MAX_AXES = 8, SWEEP_TABLE_MAX_FIGURES = 16, SWEEP_TABLE_VALUE_BYTES = 64 };

struct sweep_table_point {
    uint32_t point;
    uint32_t runs;
    char settings[SWEEP_TABLE_MAX_AXES][SWEEP_TABLE_VALUE_BYTES];
    double numbers[SWEEP_TABLE_MAX_AXES]; /* of the settings; NAN for those that are none */
    struct interval figures[SWEEP_TABLE_MAX_FIGURES]; /* NAN bounds with one replication */
};

struct sweep_table {
    char axes[SWEEP_TABLE_MAX_AXES][96]; /* keys of the settings that vary, as they were given */
    uint32_t axis_count;
    const struct figure *figures[SWEEP_TABLE_MAX_FIGURES];
    uint32_t figure_count;
    struct sweep_table_point *points;
    size_t count;
    size_t capacity;
    uint64_t rows;
    uint64_t refused;
};

/* Reads the figures of the keys (at most SWEEP_TABLE_MAX_FIGURES). Cleared by sweep_table_clear,
 * also after an error. */
MUST_CHECK bool sweep_table_read(const char *path, const char *const *keys, uint32_t key_count,
                                 struct sweep_table *ret_table, struct error *error);
void sweep_table_clear(struct sweep_table *table);

/* The number of the axis of that key; an error names those there are. */
MUST_CHECK bool sweep_table_find_axis(const struct sweep_table *table, const char *key,
                                      uint32_t *ret_axis, struct error *error);

/* True when all values of an axis are numbers. */
bool sweep_table_is_numeric(const struct sweep_table *table, uint32_t axis);

/* The values of an axis, each once: rising where they are numbers, else in the order of points.
 * '*ret_names' is to be freed by the caller; the names are the table's. */
uint32_t sweep_table_values(const struct sweep_table *table, uint32_t axis,
                            const char ***ret_names);

#endif
