/* The SQLite file of a sweep (docs/sweep.md describes its tables).
 * Each row is a transaction of its own in a write-ahead log: a program that is killed loses no row
 * that was added, and leaves a file that the next one goes on with. */
#ifndef SIM_EXPERIMENTS_SWEEP_STORE_H
#define SIM_EXPERIMENTS_SWEEP_STORE_H

#include <stdint.h>
#include <stdio.h>

#include "sim/experiments/sweep_schema.h"
#include "sim/metrics/run_summary.h"
#include "sim/scenario/scenario.h"

struct sweep_store;

/* One run of a sweep. */
struct sweep_row {
    uint32_t point;
    uint32_t replication;
    const struct scenario *scenario;   /* its settings; NULL where they are an error */
    const struct run_summary *summary; /* NULL: the run was refused, */
    const char *refusal;               /* for this reason */
};

/* Opens the file, or makes it; another definition, schema or program version in it is an error. */
MUST_CHECK bool sweep_store_open(const char *path, const struct sweep_definition *definition,
                                 struct sweep_store **ret_store, struct error *error);
/* Opens a file that holds a sweep, whichever it is. */
MUST_CHECK bool sweep_store_open_existing(const char *path, struct sweep_store **ret_store,
                                          struct error *error);
/* Tidies the log away; accepts NULL. */
void sweep_store_close(struct sweep_store *store);

/* Sets done[point * replications + replication] for each row that is there. */
MUST_CHECK bool sweep_store_find_done(struct sweep_store *store, uint32_t replications, bool *done,
                                      struct error *error);

/* Adds a row, for good when this returns. One thread at a time. */
MUST_CHECK bool sweep_store_add(struct sweep_store *store, const struct sweep_row *row,
                                struct error *error);

struct sweep_totals {
    uint64_t rows;
    uint64_t refused;
};
MUST_CHECK bool sweep_store_count(struct sweep_store *store, struct sweep_totals *ret_totals,
                                  struct error *error);

/* All rows as CSV, in order of point and replication. */
MUST_CHECK bool sweep_store_export(struct sweep_store *store, FILE *stream, struct error *error);

/* Merges sweeps of one definition into 'path', which is made if it is not there. A row that stands
 * in several files must be the same in all. */
MUST_CHECK bool sweep_store_merge(const char *path, const char *const *sources, size_t count,
                                  struct sweep_store **ret_store, struct error *error);

#endif
