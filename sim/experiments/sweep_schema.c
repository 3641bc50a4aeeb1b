#include "sim/experiments/sweep_schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/experiments/setting_columns.h"
#include "sim/metrics/figure_table.h"

enum { APPLICATION_ID = 0x6b766373 /* "kvcs" */ };

static const char *type_of_setting(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_BOOL:
    case SETTING_WHOLE:
    case SETTING_SEED:
        return "INTEGER";
    case SETTING_NUMBER:
    case SETTING_TIME:
        return "REAL";
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_JSON:
    case SETTING_IGNORED:
        return "TEXT";
    }
    return "TEXT";
}

void sweep_schema_columns(sweep_column_visitor *visit, void *context)
{
    static const char *const fixed[][2] = {
        {"point", "INTEGER NOT NULL"},
        {"replication", "INTEGER NOT NULL"},
        {"status", "TEXT NOT NULL"},
        {"refusal", "TEXT"},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        visit(context, fixed[i][0], fixed[i][1]);
    }
    struct setting_columns settings;
    setting_columns_list(&settings);
    for (uint32_t i = 0; i < settings.count; i++) {
        visit(context, settings.columns[i]->name, type_of_setting(settings.columns[i]));
    }
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (figure->type != FIGURE_EXACT) {
            visit(context, figure->key, figure->type == FIGURE_NUMBER ? "REAL" : "INTEGER");
        }
    }
}

static void count_column(void *context, const char *name, const char *type)
{
    int *count = context;
    (void)name;
    (void)type;
    (*count)++;
}

int sweep_schema_column_count(void)
{
    int count = 0;
    sweep_schema_columns(count_column, &count);
    return count;
}

static void write_column(void *context, const char *name, const char *type)
{
    fprintf(context, "\"%s\" %s, ", name, type);
}

static bool create_tables(struct sweep_database *database, struct error *error)
{
    char *sql = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&sql, &length);
    fprintf(stream,
            "CREATE TABLE sweep (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE runs (");
    sweep_schema_columns(write_column, stream);
    fprintf(stream,
            "PRIMARY KEY (point, replication)) WITHOUT ROWID;"
            "PRAGMA application_id = %d; PRAGMA user_version = %d;",
            APPLICATION_ID, SWEEP_SCHEMA_VERSION);
    fclose(stream);
    bool ok = sweep_database_execute(database, sql, error);
    free(sql);
    return ok;
}

static bool put(struct sweep_database *database, const char *key, const char *value,
                struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(database->handle, "INSERT OR REPLACE INTO sweep VALUES (?, ?)", -1,
                                 &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
    ok = ok || sweep_database_error(database, error);
    sqlite3_finalize(statement);
    return ok;
}

/* A text to free(); an error where the key is not there. */
static bool get(struct sweep_database *database, const char *key, char **ret_value,
                struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(database->handle, "SELECT value FROM sweep WHERE key = ?", -1,
                                 &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC) == SQLITE_OK;
    int status = ok ? sqlite3_step(statement) : SQLITE_ERROR;
    if (status == SQLITE_ROW) {
        *ret_value = memory_copy_text((const char *)sqlite3_column_text(statement, 0));
    } else if (status == SQLITE_DONE) {
        ok = error_set(error, "%s: table 'sweep' lacks '%s'", database->path, key);
    } else {
        ok = sweep_database_error(database, error);
    }
    sqlite3_finalize(statement);
    return ok;
}

static bool put_definition(struct sweep_database *database,
                           const struct sweep_definition *definition, struct error *error)
{
    assert(definition->points > 0 && definition->replications > 0);
    char points[16];
    char replications[16];
    snprintf(points, sizeof points, "%u", definition->points);
    snprintf(replications, sizeof replications, "%u", definition->replications);
    return put(database, "kvcast_version", KVCAST_VERSION, error) &&
           put(database, "scenario", definition->scenario, error) &&
           put(database, "axes", definition->axes, error) &&
           put(database, "sample", definition->sample, error) &&
           put(database, "points", points, error) &&
           put(database, "replications", replications, error);
}

static bool check_value(struct sweep_database *database, const char *key, const char *expected,
                        const char *what, struct error *error)
{
    char *found = NULL;
    if (!get(database, key, &found, error)) {
        return false;
    }
    bool same = text_equal(found, expected);
    if (!same) {
        error_set(error, "%s: holds another sweep: %s; name another file by --out", database->path,
                  what);
    }
    free(found);
    return same;
}

bool sweep_schema_check_definition(struct sweep_database *database,
                                   const struct sweep_definition *definition, struct error *error)
{
    return check_value(database, "kvcast_version", KVCAST_VERSION,
                       "it was begun by another version of kvcast", error) &&
           check_value(database, "scenario", definition->scenario,
                       "its settings beside the varied ones differ", error) &&
           check_value(database, "axes", definition->axes, "it varies other settings or values",
                       error) &&
           check_value(database, "sample", definition->sample, "it takes another sample", error);
}

/* Where the columns of 'runs' stop being what this program writes. */
struct column_check {
    int next;
    sqlite3_stmt *columns;
    bool differ;
};

static void check_column(void *context, const char *name, const char *type)
{
    struct column_check *check = context;
    (void)type;
    if (!check->differ && check->next < sqlite3_column_count(check->columns)) {
        check->differ = !text_equal(sqlite3_column_name(check->columns, check->next), name);
    }
    check->next++;
}

static bool check_columns(struct sweep_database *database, struct error *error)
{
    struct column_check check = {.next = 0};
    if (sqlite3_prepare_v2(database->handle, "SELECT * FROM runs", -1, &check.columns, NULL) !=
        SQLITE_OK) {
        return sweep_database_error(database, error);
    }
    sweep_schema_columns(check_column, &check);
    bool same = !check.differ && check.next == sqlite3_column_count(check.columns);
    sqlite3_finalize(check.columns);
    return same ||
           error_set(error, "%s: its table 'runs' has other columns than this kvcast writes",
                     database->path);
}

/* '*ret_is_new' when nothing has been written to the file yet. */
static bool check_schema(struct sweep_database *database, bool *ret_is_new, struct error *error)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;
    if (!sweep_database_query(database, "SELECT count(*) FROM sqlite_schema", &tables, error) ||
        !sweep_database_query(database, "PRAGMA application_id", &application, error) ||
        !sweep_database_query(database, "PRAGMA user_version", &version, error)) {
        return false;
    }
    *ret_is_new = tables == 0 && application == 0 && version == 0;
    if (*ret_is_new) {
        return true;
    }
    if (application != APPLICATION_ID) {
        return error_set(error, "%s: is a database, but not of a kvcast sweep", database->path);
    }
    if (version != SWEEP_SCHEMA_VERSION) {
        return error_set(error, "%s: has format version %lld, expected %d", database->path,
                         (long long)version, SWEEP_SCHEMA_VERSION);
    }
    return check_columns(database, error);
}

bool sweep_schema_check(struct sweep_database *database, struct error *error)
{
    bool is_new = false;
    return check_schema(database, &is_new, error);
}

bool sweep_schema_settle(struct sweep_database *database, const struct sweep_definition *definition,
                         struct error *error)
{
    bool is_new = false;
    if (!check_schema(database, &is_new, error)) {
        return false;
    }
    return is_new ? create_tables(database, error) && put_definition(database, definition, error)
                  : sweep_schema_check_definition(database, definition, error);
}

/* A count in the table 'sweep', at least 1. */
static bool read_count(const struct sweep_database *database, const char *key, const char *text,
                       uint32_t *ret_count, struct error *error)
{
    double value = 0;
    if (!text_to_whole(text, UINT32_MAX, &value) || value < 1) {
        return error_set(error,
                         "%s: table 'sweep': '%s' must be a whole number from 1 on, got '%.40s'",
                         database->path, key, text);
    }
    *ret_count = (uint32_t)value;
    return true;
}

bool sweep_schema_read(struct sweep_database *database, struct sweep_definition_read *ret_read,
                       struct error *error)
{
    static const char *const keys[] = {"scenario", "axes", "sample", "points", "replications"};
    bool is_new = false;
    memset(ret_read, 0, sizeof *ret_read);
    bool ok = check_schema(database, &is_new, error) &&
              (!is_new || error_set(error, "%s: holds no sweep yet", database->path)) &&
              check_value(database, "kvcast_version", KVCAST_VERSION,
                          "it was begun by another version of kvcast", error);
    for (size_t i = 0; ok && i < sizeof keys / sizeof keys[0]; i++) {
        ok = get(database, keys[i], &ret_read->texts[i], error);
    }
    struct sweep_definition *definition = &ret_read->definition;
    if (ok) {
        definition->scenario = ret_read->texts[0];
        definition->axes = ret_read->texts[1];
        definition->sample = ret_read->texts[2];
        ok = read_count(database, keys[3], ret_read->texts[3], &definition->points, error) &&
             read_count(database, keys[4], ret_read->texts[4], &definition->replications, error);
    }
    return ok;
}

void sweep_definition_clear(struct sweep_definition_read *read)
{
    for (size_t i = 0; i < sizeof read->texts / sizeof read->texts[0]; i++) {
        free(read->texts[i]);
    }
    memset(read, 0, sizeof *read);
}
