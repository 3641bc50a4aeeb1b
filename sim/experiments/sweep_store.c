#include "sim/experiments/sweep_store.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/experiments/setting_columns.h"
#include "sim/metrics/figure_table.h"

struct sweep_store {
    struct sweep_database database;
    sqlite3_stmt *insert;
    struct setting_columns settings;
};

static bool prepare_insert(struct sweep_store *store, struct error *error)
{
    char *sql = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&sql, &length);
    setting_columns_list(&store->settings);
    fputs("INSERT OR IGNORE INTO runs VALUES (?", stream);
    for (int i = 1; i < sweep_schema_column_count(); i++) {
        fputs(", ?", stream);
    }
    fputs(")", stream);
    fclose(stream);
    bool ok = sweep_database_prepare(&store->database, sql, &store->insert, error);
    free(sql);
    return ok;
}

bool sweep_store_open(const char *path, const struct sweep_definition *definition,
                      struct sweep_store **ret_store, struct error *error)
{
    struct sweep_store *store = memory_zeroed(1, sizeof *store);
    struct sweep_database *database = &store->database;
    bool ok =
        sweep_database_open(database, path, true, error) &&
        sweep_database_execute(database, "BEGIN", error) && sweep_schema_check(database, error) &&
        sweep_database_execute(database, "COMMIT", error) &&
        sweep_database_execute(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
                               error) &&
        sweep_database_execute(database, "BEGIN IMMEDIATE", error) &&
        sweep_schema_settle(database, definition, error) &&
        sweep_database_execute(database, "COMMIT", error) && prepare_insert(store, error);
    if (!ok) {
        sweep_store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}

bool sweep_store_open_existing(const char *path, struct sweep_store **ret_store,
                               struct error *error)
{
    struct sweep_store *store = memory_zeroed(1, sizeof *store);
    struct sweep_definition_read read = {.texts = {NULL}};
    bool ok = sweep_database_open(&store->database, path, false, error) &&
              sweep_schema_read(&store->database, &read, error) && prepare_insert(store, error);
    sweep_definition_clear(&read);
    if (!ok) {
        sweep_store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}

void sweep_store_close(struct sweep_store *store)
{
    if (store != NULL) {
        sqlite3_finalize(store->insert);
        sweep_database_close(&store->database);
        free(store);
    }
}

bool sweep_store_find_done(struct sweep_store *store, uint32_t replications, bool *done,
                           struct error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->database.handle,
                           "SELECT point, replication FROM runs WHERE replication < ?", -1,
                           &statement, NULL) != SQLITE_OK) {
        return sweep_database_error(&store->database, error);
    }
    sqlite3_bind_int64(statement, 1, replications);
    int status = SQLITE_DONE;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        uint64_t point = (uint64_t)sqlite3_column_int64(statement, 0);
        done[point * replications + (uint64_t)sqlite3_column_int64(statement, 1)] = true;
    }
    bool ok = status == SQLITE_DONE || sweep_database_error(&store->database, error);
    sqlite3_finalize(statement);
    return ok;
}

static void bind_setting(sqlite3_stmt *insert, int column, const struct setting *setting,
                         const void *target)
{
    char text[1100];
    switch (setting->type) {
    case SETTING_BOOL:
        sqlite3_bind_int(insert, column, *(const bool *)((const char *)target + setting->offset));
        break;
    case SETTING_WHOLE:
    case SETTING_SEED:
        sqlite3_bind_int64(insert, column, (int64_t)setting_number(setting, target));
        break;
    case SETTING_NUMBER:
    case SETTING_TIME:
        sqlite3_bind_double(insert, column, setting_number(setting, target));
        break;
    case SETTING_CHOICE:
    case SETTING_TEXT:
    case SETTING_JSON:
        setting_print(setting, target, text, sizeof text);
        sqlite3_bind_text(insert, column, text, -1, SQLITE_TRANSIENT);
        break;
    case SETTING_IGNORED:
        break;
    }
}

/* Settings that the run's engine does not have stay empty. */
static void bind_settings(sqlite3_stmt *insert, int *column, const struct setting_columns *settings,
                          const struct scenario *scenario)
{
    struct scenario *copy = memory_zeroed(1, sizeof *copy);
    if (scenario != NULL) {
        *copy = *scenario;
    }
    for (uint32_t i = 0; i < settings->count; i++) {
        void *target = NULL;
        const struct setting *setting =
            scenario != NULL ? setting_columns_value(copy, settings->columns[i]->name, &target)
                             : NULL;
        ++*column;
        if (setting != NULL) {
            bind_setting(insert, *column, setting, target);
        }
    }
    free(copy);
}

static void bind_figure(sqlite3_stmt *insert, int column, const struct figure *figure,
                        const struct run_summary *summary)
{
    double value = figure_value(figure, summary);
    if (isnan(value)) {
        sqlite3_bind_null(insert, column);
    } else if (figure->type == FIGURE_NUMBER) {
        sqlite3_bind_double(insert, column, value);
    } else {
        sqlite3_bind_int64(insert, column, (int64_t)value);
    }
}

bool sweep_store_add(struct sweep_store *store, const struct sweep_row *row, struct error *error)
{
    sqlite3_stmt *insert = store->insert;
    int column = 0;
    assert((row->summary == NULL) == (row->refusal != NULL));
    sqlite3_clear_bindings(insert);
    sqlite3_bind_int64(insert, ++column, row->point);
    sqlite3_bind_int64(insert, ++column, row->replication);
    sqlite3_bind_text(insert, ++column, row->summary != NULL ? "finished" : "refused", -1,
                      SQLITE_STATIC);
    sqlite3_bind_text(insert, ++column, row->refusal, -1, SQLITE_TRANSIENT);
    bind_settings(insert, &column, &store->settings, row->scenario);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        column += figure->type != FIGURE_EXACT;
        if (row->summary != NULL && figure->type != FIGURE_EXACT) {
            bind_figure(insert, column, figure, row->summary);
        }
    }
    bool ok = sqlite3_step(insert) == SQLITE_DONE || sweep_database_error(&store->database, error);
    sqlite3_reset(insert);
    return ok;
}

bool sweep_store_count(struct sweep_store *store, struct sweep_totals *ret_totals,
                       struct error *error)
{
    int64_t rows = 0;
    int64_t refused = 0;
    if (!sweep_database_query(&store->database, "SELECT count(*) FROM runs", &rows, error) ||
        !sweep_database_query(&store->database,
                              "SELECT count(*) FROM runs WHERE status = 'refused'", &refused,
                              error)) {
        return false;
    }
    *ret_totals = (struct sweep_totals){(uint64_t)rows, (uint64_t)refused};
    return true;
}

/* Quoted where it holds a comma, quote or line end. */
static void write_field(FILE *stream, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', stream);
        }
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void write_row(sqlite3_stmt *statement, FILE *stream)
{
    int columns = sqlite3_column_count(statement);
    for (int i = 0; i < columns; i++) {
        if (i > 0) {
            fputc(',', stream);
        }
        if (sqlite3_column_type(statement, i) == SQLITE_FLOAT) {
            fprintf(stream, "%.17g", sqlite3_column_double(statement, i));
        } else if (sqlite3_column_type(statement, i) != SQLITE_NULL) {
            write_field(stream, (const char *)sqlite3_column_text(statement, i));
        }
    }
    fputc('\n', stream);
}

bool sweep_store_export(struct sweep_store *store, FILE *stream, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->database.handle, "SELECT * FROM runs ORDER BY point, replication",
                           -1, &statement, NULL) != SQLITE_OK) {
        return sweep_database_error(&store->database, error);
    }
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        fprintf(stream, "%s%s", i > 0 ? "," : "", sqlite3_column_name(statement, i));
    }
    fputc('\n', stream);
    int status = SQLITE_DONE;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        write_row(statement, stream);
    }
    bool ok = status == SQLITE_DONE || sweep_database_error(&store->database, error);
    sqlite3_finalize(statement);
    return ok;
}

/* Takes the rows of a source that has the same definition. */
static bool merge_rows(struct sweep_store *store, const char *source, struct error *error)
{
    sqlite3_stmt *attach = NULL;
    int64_t differing = 0;
    bool ok = sqlite3_prepare_v2(store->database.handle, "ATTACH ? AS source", -1, &attach, NULL) ==
                  SQLITE_OK &&
              sqlite3_bind_text(attach, 1, source, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(attach) == SQLITE_DONE;
    ok = ok || sweep_database_error(&store->database, error);
    sqlite3_finalize(attach);
    if (!ok) {
        return false;
    }
    ok = sweep_database_query(
             &store->database,
             "SELECT count(*) FROM (SELECT * FROM source.runs WHERE (point, replication) IN "
             "(SELECT point, replication FROM runs) EXCEPT SELECT * FROM runs)",
             &differing, error) &&
         (differing == 0 || error_set(error,
                                      "%s: %lld rows differ from those of the same points and "
                                      "replications merged before",
                                      source, (long long)differing)) &&
         sweep_database_execute(&store->database,
                                "INSERT OR IGNORE INTO runs SELECT * FROM source.runs", error);
    struct error ignored;
    return sweep_database_execute(&store->database, "DETACH source", ok ? error : &ignored) && ok;
}

static bool merge_source(const char *path, const char *source, struct sweep_store **store,
                         struct error *error)
{
    struct sweep_database database = {.handle = NULL};
    struct sweep_definition_read read = {.texts = {NULL}};
    bool ok = sweep_database_open(&database, source, false, error) &&
              sweep_schema_read(&database, &read, error);
    sweep_database_close(&database);
    if (ok && *store == NULL) {
        ok = sweep_store_open(path, &read.definition, store, error);
    } else if (ok) {
        ok = sweep_schema_check_definition(&(*store)->database, &read.definition, error) ||
             error_add_place(error, "%s", source);
    }
    sweep_definition_clear(&read);
    return ok && merge_rows(*store, source, error);
}

bool sweep_store_merge(const char *path, const char *const *sources, size_t count,
                       struct sweep_store **ret_store, struct error *error)
{
    struct sweep_store *store = NULL;
    bool ok = true;
    assert(count > 0);
    for (size_t i = 0; ok && i < count; i++) {
        ok = merge_source(path, sources[i], &store, error);
    }
    if (!ok) {
        sweep_store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}
