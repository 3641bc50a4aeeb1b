#include "sim/experiments/sweep_database.h"

#include "tests/unit/check.h"

static void test_open(void **state)
{
    (void)state;
    char path[2048];
    struct sweep_database database;
    struct error error;
    snprintf(path, sizeof path, "%s", temporary_file("open.db", ""));
    unlink(path);
    assert_false(sweep_database_open(&database, path, false, &error));
    assert_contains(error.message, "no such file");
    assert_contains(error.message, path);
    sweep_database_close(&database); /* also after an error */
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(sweep_database_open(&database, path, true, &error));
    assert_true(sweep_database_execute(&database, "CREATE TABLE a (b)", &error));
    sweep_database_close(&database);
    assert_true(sweep_database_open(&database, path, false, &error)); /* it stays */
    assert_false(sweep_database_execute(&database, "CREATE TABLE a (b)", &error));
    assert_contains(error.message, "already exists");
    sweep_database_close(&database);
    unlink(path);
    assert_false(sweep_database_open(&database, "no/such/folder/file.db", true, &error));
    assert_contains(error.message, "cannot be opened for writing");
    sweep_database_close(&database);
    char name[3000];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(sweep_database_open(&database, name, true, &error));
    sweep_database_close(&database);
}

static void test_query(void **state)
{
    (void)state;
    struct sweep_database database;
    struct error error;
    int64_t value = 0;
    assert_true(sweep_database_open(&database, ":memory:", true, &error));
    assert_true(sweep_database_execute(
        &database, "CREATE TABLE a (b); INSERT INTO a VALUES (9007199254740993)", &error));
    assert_true(sweep_database_query(&database, "SELECT b FROM a", &value, &error));
    assert_true(value == INT64_C(9007199254740993)); /* no double in between */
    assert_true(sweep_database_query(&database, "SELECT b FROM a WHERE b = 1", &value, &error));
    assert_int_equal(value, 0);
    value = 5;
    assert_false(sweep_database_query(&database, "SELECT c FROM a", &value, &error));
    assert_contains(error.message, "no such column: c");
    assert_int_equal(value, 0);
    sqlite3_stmt *statement = NULL;
    assert_false(sweep_database_prepare(&database, "SELEKT", &statement, &error));
    assert_null(statement);
    sweep_database_close(&database);
}

static void test_damage_and_locks(void **state)
{
    (void)state;
    char path[2048];
    struct sweep_database database;
    struct sweep_database other;
    struct error error;
    int64_t value = 0;
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(path, sizeof path, "%s", temporary_file("damaged.db", text));
    assert_true(sweep_database_open(&database, path, false, &error));
    assert_false(
        sweep_database_query(&database, "SELECT count(*) FROM sqlite_schema", &value, &error));
    assert_contains(error.message, "is damaged or no SQLite database");
    sweep_database_close(&database);
    unlink(path);
    assert_true(sweep_database_open(&database, path, true, &error));
    assert_true(sweep_database_open(&other, path, true, &error));
    sqlite3_busy_timeout(other.handle, 1);
    assert_true(sweep_database_execute(&database, "BEGIN EXCLUSIVE", &error));
    assert_false(sweep_database_execute(&other, "BEGIN EXCLUSIVE", &error));
    assert_contains(error.message, "another program keeps the database locked");
    sweep_database_close(&other);
    sweep_database_close(&database);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_damage_and_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
