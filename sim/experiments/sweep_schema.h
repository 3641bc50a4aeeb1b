/* The tables of a sweep's database (docs/sweep.md), and what the sweep in it is. */
#ifndef SIM_EXPERIMENTS_SWEEP_SCHEMA_H
#define SIM_EXPERIMENTS_SWEEP_SCHEMA_H

#include <stdint.h>

#include "sim/experiments/sweep_database.h"

enum { SWEEP_SCHEMA_VERSION = 1 };

/* Rows of two sweeps may stand in one file only if all of this is the same. */
struct sweep_definition {
    const char *scenario; /* settings of the point without its varied ones, as JSON */
    const char *axes;     /* the settings that vary, one a line */
    const char *sample;   /* "latin:N of seed S"; empty: all combinations */
    uint32_t points;
    uint32_t replications; /* may differ: more can be added later */
};

/* A definition read from a file; cleared by sweep_definition_clear, also after an error. */
struct sweep_definition_read {
    struct sweep_definition definition;
    char *texts[5];
};

/* Names each column of the table 'runs' in order, with its type. */
typedef void sweep_column_visitor(void *context, const char *name, const char *type);
void sweep_schema_columns(sweep_column_visitor *visit, void *context);
int sweep_schema_column_count(void);

/* The database must be empty or hold the tables of a sweep as this program makes them. */
MUST_CHECK bool sweep_schema_check(struct sweep_database *database, struct error *error);

/* Makes the tables of an empty database and notes the definition there; in one that has them, all
 * must be as it would be made. Call it within a transaction. */
MUST_CHECK bool sweep_schema_settle(struct sweep_database *database,
                                    const struct sweep_definition *definition, struct error *error);

/* Only checks; an empty database is an error. */
MUST_CHECK bool sweep_schema_read(struct sweep_database *database,
                                  struct sweep_definition_read *ret_read, struct error *error);
void sweep_definition_clear(struct sweep_definition_read *read);

/* The definition in the database must be this one. */
MUST_CHECK bool sweep_schema_check_definition(struct sweep_database *database,
                                              const struct sweep_definition *definition,
                                              struct error *error);

#endif
