/* An SQLite database with the errors of this program: what was wrong, and what to do. */
#ifndef SIM_EXPERIMENTS_SWEEP_DATABASE_H
#define SIM_EXPERIMENTS_SWEEP_DATABASE_H

#include <sqlite3.h>
#include <stdint.h>

#include "sim/base/error.h"

struct sweep_database {
    sqlite3 *handle;
    char path[1024];
};

/* Opens the file for reading and writing; it is made where it is not there and may be. Closed by
 * sweep_database_close, also after an error. */
MUST_CHECK bool sweep_database_open(struct sweep_database *database, const char *path,
                                    bool may_create, struct error *error);
/* The last one to close a file moves its write-ahead log into it. */
void sweep_database_close(struct sweep_database *database);

/* Sets the error of the call that failed last; always returns false. */
bool sweep_database_error(const struct sweep_database *database, struct error *error);

MUST_CHECK bool sweep_database_execute(struct sweep_database *database, const char *sql,
                                       struct error *error);

/* A statement to sqlite3_finalize(). */
MUST_CHECK bool sweep_database_prepare(struct sweep_database *database, const char *sql,
                                       sqlite3_stmt **ret_statement, struct error *error);

/* The first column of the first row as a whole number; 0 without a row. */
MUST_CHECK bool sweep_database_query(struct sweep_database *database, const char *sql,
                                     int64_t *ret_value, struct error *error);

#endif
