#include "sim/experiments/sweep_store.h"

#include "sim/engines/engine_presets.h"
#include "tests/unit/check.h"

static const struct sweep_definition definition = {
    .scenario = "{}", .axes = "seed=1..3", .sample = "", .points = 3, .replications = 2};
static char paths[3][2048];

static int set_up(void **state)
{
    static const char *const names[] = {"a.db", "b.db", "c.db"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", temporary_file(names[i], ""));
        unlink(paths[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        unlink(paths[i]);
    }
    return 0;
}

static struct sweep_store *store_at(int index)
{
    struct sweep_store *store = NULL;
    struct error error;
    if (!sweep_store_open(paths[index], &definition, &store, &error)) {
        fail_msg("%s", error.message);
    }
    return store;
}

static void add(struct sweep_store *store, uint32_t point, uint32_t replication, double makespan_s)
{
    struct scenario scenario = scenario_default(engine_presets[0]);
    struct run_summary summary = {.makespan_s = makespan_s};
    struct error error;
    const struct sweep_row row = {
        .point = point, .replication = replication, .scenario = &scenario, .summary = &summary};
    assert_true(sweep_store_add(store, &row, &error));
}

static void test_rows_stay(void **state)
{
    (void)state;
    struct error error;
    struct sweep_totals totals;
    bool done[6] = {false};
    struct sweep_store *store = store_at(0);
    add(store, 2, 1, 10);
    const struct sweep_row refused = {.point = 0, .refusal = "'a' must be b, got \"c\""};
    assert_true(sweep_store_add(store, &refused, &error));
    sweep_store_close(store);
    store = store_at(0);
    assert_true(sweep_store_find_done(store, 2, done, &error));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(done[i], i == 0 || i == 5);
    }
    assert_true(sweep_store_count(store, &totals, &error));
    assert_int_equal(totals.rows, 2);
    assert_int_equal(totals.refused, 1);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_true(sweep_store_export(store, stream, &error));
    fclose(stream);
    assert_int_equal(strncmp(text, "point,replication,status,refusal,", 33), 0);
    assert_contains(text, "\"'a' must be b, got \"\"c\"\"\"");    /* quoted as CSV has it */
    assert_true(strstr(text, "\n0,0,") < strstr(text, "\n2,1,")); /* in order of the points */
    free(text);
    sweep_store_close(store);
    sweep_store_close(NULL);
}

static void test_merge(void **state)
{
    (void)state;
    const char *const sources[] = {paths[0], paths[1]};
    struct sweep_store *merged = NULL;
    struct sweep_totals totals;
    struct error error;
    struct sweep_store *first = store_at(0);
    struct sweep_store *second = store_at(1);
    add(first, 0, 0, 10);
    add(first, 1, 0, 11);
    add(second, 1, 0, 11); /* in both, and the same */
    add(second, 2, 0, 12);
    sweep_store_close(first);
    sweep_store_close(second);
    assert_true(sweep_store_merge(paths[2], sources, 2, &merged, &error));
    assert_true(sweep_store_count(merged, &totals, &error));
    assert_int_equal(totals.rows, 3);
    sweep_store_close(merged);
    second = store_at(1);
    add(second, 0, 0, 99); /* not what the other says */
    sweep_store_close(second);
    unlink(paths[2]);
    merged = NULL;
    assert_false(sweep_store_merge(paths[2], sources, 2, &merged, &error));
    assert_contains(error.message, paths[1]);
}

static void test_existing_only(void **state)
{
    (void)state;
    struct sweep_store *store = NULL;
    struct error error;
    assert_false(sweep_store_open_existing(paths[0], &store, &error));
    assert_contains(error.message, "no such file");
    assert_null(store);
    sweep_store_close(store_at(0));
    assert_true(sweep_store_open_existing(paths[0], &store, &error));
    sweep_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_existing_only, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
