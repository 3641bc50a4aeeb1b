#include "sim/experiments/sweep_schema.h"

#include "sim/metrics/figure_table.h"
#include "tests/unit/check.h"

static const struct sweep_definition definition = {
    .scenario = "{}", .axes = "seed=1..3", .sample = "", .points = 3, .replications = 2};

static void open_empty(struct sweep_database *database)
{
    struct error error;
    assert_true(sweep_database_open(database, ":memory:", true, &error));
}

static void test_definition_round_trip(void **state)
{
    (void)state;
    struct sweep_database database;
    struct sweep_definition_read read;
    struct error error;
    open_empty(&database);
    assert_true(sweep_schema_check(&database, &error)); /* empty: it may become one */
    assert_false(sweep_schema_read(&database, &read, &error));
    assert_contains(error.message, "holds no sweep yet");
    sweep_definition_clear(&read);
    assert_true(sweep_schema_settle(&database, &definition, &error));
    assert_true(sweep_schema_settle(&database, &definition, &error)); /* again: it is checked */
    assert_true(sweep_schema_read(&database, &read, &error));
    assert_string_equal(read.definition.scenario, "{}");
    assert_string_equal(read.definition.axes, "seed=1..3");
    assert_string_equal(read.definition.sample, "");
    assert_int_equal(read.definition.points, 3);
    assert_int_equal(read.definition.replications, 2);
    sweep_definition_clear(&read);
    sweep_database_close(&database);
}

static void test_another_sweep(void **state)
{
    (void)state;
    struct sweep_database database;
    struct error error;
    open_empty(&database);
    assert_true(sweep_schema_settle(&database, &definition, &error));
    struct sweep_definition other = definition;
    other.replications = 9; /* more can be added later */
    assert_true(sweep_schema_settle(&database, &other, &error));
    other.axes = "seed=1..4";
    assert_false(sweep_schema_settle(&database, &other, &error));
    assert_contains(error.message, "varies other settings or values");
    other = definition;
    other.scenario = "{\"seed\": 2}";
    assert_false(sweep_schema_check_definition(&database, &other, &error));
    assert_contains(error.message, "settings beside the varied ones differ");
    other = definition;
    other.sample = "latin:3 of seed 1";
    assert_false(sweep_schema_check_definition(&database, &other, &error));
    assert_contains(error.message, "another sample");
    sweep_database_close(&database);
}

/* What is not as this program makes it is left alone. */
static void refused_after(const char *sql, const char *part)
{
    struct sweep_database database;
    struct sweep_definition_read read;
    struct error error;
    open_empty(&database);
    assert_true(sweep_schema_settle(&database, &definition, &error));
    assert_true(sweep_database_execute(&database, sql, &error));
    assert_false(sweep_schema_read(&database, &read, &error));
    assert_contains(error.message, part);
    sweep_definition_clear(&read);
    sweep_database_close(&database);
}

static void test_foreign_files(void **state)
{
    (void)state;
    struct sweep_database database;
    struct error error;
    open_empty(&database);
    assert_true(sweep_database_execute(&database, "CREATE TABLE a (b)", &error));
    assert_false(sweep_schema_settle(&database, &definition, &error));
    assert_contains(error.message, "is a database, but not of a kvcast sweep");
    sweep_database_close(&database);
    refused_after("PRAGMA user_version = 99", "has format version 99, expected 1");
    refused_after("ALTER TABLE runs ADD COLUMN more", "other columns");
    refused_after("ALTER TABLE runs RENAME COLUMN status TO state", "other columns");
    refused_after("DELETE FROM sweep WHERE key = 'axes'", "lacks 'axes'");
    refused_after("UPDATE sweep SET value = 'x' WHERE key = 'kvcast_version'", "another version");
    refused_after("UPDATE sweep SET value = 'x' WHERE key = 'points'", "'points'");
    refused_after("UPDATE sweep SET value = '0' WHERE key = 'replications'", "'replications'");
    refused_after("UPDATE sweep SET value = '5e9' WHERE key = 'points'", "'points'");
}

struct seen {
    int count;
    bool has_seed;
    bool has_makespan;
};

static void see(void *context, const char *name, const char *type)
{
    struct seen *seen = context;
    assert_true(seen->count > 0 || strcmp(name, "point") == 0);
    seen->has_seed |= strcmp(name, "seed") == 0 && strcmp(type, "INTEGER") == 0;
    seen->has_makespan |= strcmp(name, "makespan_s") == 0 && strcmp(type, "REAL") == 0;
    seen->count++;
}

static void test_columns(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    sweep_schema_columns(see, &seen);
    assert_int_equal(seen.count, sweep_schema_column_count());
    assert_true(seen.count > (int)figure_table_count());
    assert_true(seen.has_seed && seen.has_makespan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition_round_trip),
        cmocka_unit_test(test_another_sweep),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
