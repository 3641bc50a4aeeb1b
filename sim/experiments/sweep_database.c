#include "sim/experiments/sweep_database.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/text.h"

enum { BUSY_MS = 4000 };

bool sweep_database_error(const struct sweep_database *database, struct error *error)
{
    const char *path = database->path;
    const char *message = sqlite3_errmsg(database->handle);
    switch (sqlite3_errcode(database->handle) & 0xff) {
    case SQLITE_FULL:
        return error_set(error,
                         "%s: no room is left on the disk; finished rows are kept: make room and "
                         "start the same command again",
                         path);
    case SQLITE_IOERR:
        return error_set(error,
                         "%s: cannot be written (%s); finished rows are kept: start the same "
                         "command again when the disk takes data",
                         path, message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, "%s: another program keeps the database locked", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(error, "%s: is damaged or no SQLite database",
                         path); /* may hold anything */
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return error_set(error, "%s: cannot be opened for writing (%s)", path, message);
    default:
        return error_set(error, "%s: %s", path, message);
    }
}

bool sweep_database_open(struct sweep_database *database, const char *path, bool may_create,
                         struct error *error)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (may_create ? SQLITE_OPEN_CREATE : 0);
    memset(database, 0, sizeof *database);
    if (!text_copy(database->path, sizeof database->path, path)) {
        return error_set(error, "%s: the path is too long", path);
    }
    if (!may_create && access(path, F_OK) != 0) {
        return error_set(error, "%s: no such file", path);
    }
    if (sqlite3_open_v2(path, &database->handle, flags, NULL) != SQLITE_OK) {
        return sweep_database_error(database, error);
    }
    sqlite3_busy_timeout(database->handle, BUSY_MS);
    return true;
}

void sweep_database_close(struct sweep_database *database)
{
    sqlite3_close(database->handle);
    database->handle = NULL;
}

bool sweep_database_execute(struct sweep_database *database, const char *sql, struct error *error)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           sweep_database_error(database, error);
}

bool sweep_database_prepare(struct sweep_database *database, const char *sql,
                            sqlite3_stmt **ret_statement, struct error *error)
{
    return sqlite3_prepare_v2(database->handle, sql, -1, ret_statement, NULL) == SQLITE_OK ||
           sweep_database_error(database, error);
}

bool sweep_database_query(struct sweep_database *database, const char *sql, int64_t *ret_value,
                          struct error *error)
{
    assert(database->handle != NULL);
    sqlite3_stmt *statement = NULL;
    *ret_value = 0;
    if (!sweep_database_prepare(database, sql, &statement, error)) {
        return false;
    }
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    bool ok =
        status == SQLITE_ROW || status == SQLITE_DONE || sweep_database_error(database, error);
    sqlite3_finalize(statement);
    return ok;
}
