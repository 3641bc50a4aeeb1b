/* Rows come in the order of points, so that the replications of one stand together and are reduced
 * when its last one has been read. */
#include "sim/pages/sweep_table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/experiments/sweep_schema.h"

/* The values of one figure over the replications of the point that is being read. */
struct gathered {
    double *values;
    size_t count;
    size_t capacity;
};

/* "KEY=VALUES" a line. */
static bool read_axes(struct sweep_table *table, const char *axes, const char *path,
                      struct error *error)
{
    while (*axes != '\0') {
        size_t key = strcspn(axes, "=\n");
        size_t line = strcspn(axes, "\n");
        if (table->axis_count == SWEEP_TABLE_MAX_AXES) {
            return error_set(error, "%s: more than %d settings vary", path, SWEEP_TABLE_MAX_AXES);
        }
        if (key >= sizeof table->axes[0] || memchr(axes, '"', key) != NULL) {
            return error_set(error, "%s: table 'sweep' names no setting in 'axes'", path);
        }
        if (key > 0) {
            snprintf(table->axes[table->axis_count++], sizeof table->axes[0], "%.*s", (int)key,
                     axes);
        }
        axes += line + (axes[line] == '\n');
    }
    return true;
}

/* Columns are named with their table: SQLite takes other quoted names that it does not know for
 * texts. */
static char *write_query(const struct sweep_table *table)
{
    char *sql = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&sql, &length);
    fputs("SELECT runs.point", stream);
    for (uint32_t i = 0; i < table->axis_count; i++) {
        fprintf(stream, ", runs.\"%s\"", table->axes[i]);
    }
    for (uint32_t i = 0; i < table->figure_count; i++) {
        fprintf(stream, ", runs.\"%s\"", table->figures[i]->key);
    }
    fputs(" FROM runs WHERE status = 'finished' ORDER BY point, replication", stream);
    fclose(stream);
    return sql;
}

static void end_point(struct sweep_table *table, struct gathered *gathered)
{
    struct sweep_table_point *point = &table->points[table->count - 1];
    for (uint32_t f = 0; f < table->figure_count; f++) {
        struct gathered *one = &gathered[f];
        point->figures[f] = one->count == 1 ? (struct interval){one->values[0], NAN, NAN}
                                            : interval_predict(one->values, one->count, 0.95);
        if (one->count == 0) {
            point->figures[f] = (struct interval){NAN, NAN, NAN};
        }
        one->count = 0;
    }
}

static void begin_point(struct sweep_table *table, sqlite3_stmt *statement, uint32_t point_number)
{
    table->points =
        memory_grow(table->points, &table->capacity, table->count + 1, sizeof table->points[0]);
    struct sweep_table_point *point = &table->points[table->count++];
    *point = (struct sweep_table_point){.point = point_number};
    for (uint32_t a = 0; a < table->axis_count; a++) {
        char number[32];
        const char *text = (const char *)sqlite3_column_text(statement, 1 + (int)a);
        if (sqlite3_column_type(statement, 1 + (int)a) == SQLITE_FLOAT) { /* 4, not 4.0 */
            snprintf(number, sizeof number, "%.10g", sqlite3_column_double(statement, 1 + (int)a));
            text = number;
        }
        snprintf(point->settings[a], sizeof point->settings[a], "%.63s", text != NULL ? text : "");
        if (!text_to_double(point->settings[a], &point->numbers[a])) {
            point->numbers[a] = NAN;
        }
    }
}

static void take_row(struct sweep_table *table, sqlite3_stmt *statement, struct gathered *gathered)
{
    uint32_t number = (uint32_t)sqlite3_column_int64(statement, 0);
    if (table->count == 0 || table->points[table->count - 1].point != number) {
        if (table->count > 0) {
            end_point(table, gathered);
        }
        begin_point(table, statement, number);
    }
    table->points[table->count - 1].runs++;
    for (uint32_t f = 0; f < table->figure_count; f++) {
        int column = 1 + (int)(table->axis_count + f);
        struct gathered *one = &gathered[f];
        if (sqlite3_column_type(statement, column) != SQLITE_NULL) {
            one->values =
                memory_grow(one->values, &one->capacity, one->count + 1, sizeof one->values[0]);
            one->values[one->count++] = sqlite3_column_double(statement, column);
        }
    }
}

static bool read_rows(struct sweep_table *table, struct sweep_database *database,
                      struct error *error)
{
    struct gathered gathered[SWEEP_TABLE_MAX_FIGURES] = {{NULL, 0, 0}};
    sqlite3_stmt *statement = NULL;
    char *sql = write_query(table);
    bool ok = sweep_database_prepare(database, sql, &statement, error);
    int status = SQLITE_DONE;
    while (ok && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        take_row(table, statement, gathered);
    }
    ok = ok && (status == SQLITE_DONE || sweep_database_error(database, error));
    if (table->count > 0) {
        end_point(table, gathered);
    }
    for (size_t f = 0; f < SWEEP_TABLE_MAX_FIGURES; f++) {
        free(gathered[f].values);
    }
    sqlite3_finalize(statement);
    free(sql);
    return ok;
}

static bool count_rows(struct sweep_table *table, struct sweep_database *database,
                       struct error *error)
{
    int64_t rows = 0;
    int64_t refused = 0;
    if (!sweep_database_query(database, "SELECT count(*) FROM runs", &rows, error) ||
        !sweep_database_query(database, "SELECT count(*) FROM runs WHERE status = 'refused'",
                              &refused, error)) {
        return false;
    }
    table->rows = (uint64_t)rows;
    table->refused = (uint64_t)refused;
    return true;
}

bool sweep_table_read(const char *path, const char *const *keys, uint32_t key_count,
                      struct sweep_table *ret_table, struct error *error)
{
    struct sweep_database database;
    struct sweep_definition_read read = {.texts = {NULL}};
    assert(key_count <= SWEEP_TABLE_MAX_FIGURES);
    *ret_table = (struct sweep_table){.figure_count = key_count};
    bool ok = true;
    for (uint32_t i = 0; ok && i < key_count; i++) {
        ok = figure_find(keys[i], &ret_table->figures[i], error) &&
             (ret_table->figures[i]->type != FIGURE_EXACT ||
              error_set(error, "figure '%s' is no number", keys[i]));
    }
    if (!ok) {
        return false;
    }
    ok = sweep_database_open(&database, path, false, error) &&
         sweep_schema_read(&database, &read, error) &&
         read_axes(ret_table, read.definition.axes, path, error) &&
         count_rows(ret_table, &database, error) && read_rows(ret_table, &database, error);
    sweep_definition_clear(&read);
    sweep_database_close(&database);
    return ok && (ret_table->count > 0 || error_set(error, "%s: holds no finished run", path));
}

void sweep_table_clear(struct sweep_table *table)
{
    free(table->points);
    *table = (struct sweep_table){.points = NULL};
}

bool sweep_table_find_axis(const struct sweep_table *table, const char *key, uint32_t *ret_axis,
                           struct error *error)
{
    const char *names[SWEEP_TABLE_MAX_AXES + 1] = {NULL};
    for (uint32_t a = 0; a < table->axis_count; a++) {
        names[a] = table->axes[a];
        if (text_equal(key, names[a])) {
            *ret_axis = a;
            return true;
        }
    }
    return text_error_unknown(error, "no setting of this sweep is called", key, names, "");
}

bool sweep_table_is_numeric(const struct sweep_table *table, uint32_t axis)
{
    assert(axis < table->axis_count);
    for (size_t i = 0; i < table->count; i++) {
        if (isnan(table->points[i].numbers[axis])) {
            return false;
        }
    }
    return true;
}

uint32_t sweep_table_values(const struct sweep_table *table, uint32_t axis, const char ***ret_names)
{
    const char **names = memory_zeroed(table->count + 1, sizeof names[0]);
    double *numbers = memory_zeroed(table->count + 1, sizeof numbers[0]);
    bool is_numeric = sweep_table_is_numeric(table, axis);
    uint32_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->points[i].settings[axis];
        double number = is_numeric ? table->points[i].numbers[axis] : count;
        uint32_t at = 0;
        while (at < count && !text_equal(names[at], name)) {
            at++;
        }
        if (at < count) {
            continue;
        }
        for (at = count++; at > 0 && numbers[at - 1] > number; at--) {
            names[at] = names[at - 1];
            numbers[at] = numbers[at - 1];
        }
        names[at] = name;
        numbers[at] = number;
    }
    free(numbers);
    *ret_names = names;
    return count;
}
