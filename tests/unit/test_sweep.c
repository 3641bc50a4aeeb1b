#include "sim/experiments/sweep.h"

#include "tests/unit/check.h"

static char path[2048];

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s", temporary_file("sweep.db", ""));
    return unlink(path);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static struct sweep_settings settings_of(const char *axis)
{
    return (struct sweep_settings){.base.assignments = {{"workload.requests=5"}, 1},
                                   .axes = {{axis}, 1},
                                   .replications = 1,
                                   .shards = 1};
}

static void test_goes_on_where_it_was(void **state)
{
    (void)state;
    struct sweep_settings settings = settings_of("engine.max_batch_requests=1,2,4");
    struct sweep_outcome outcome;
    struct error error;
    settings.shards = 2; /* rows 0 and 2 */
    assert_true(sweep_run(&settings, path, &outcome, &error));
    assert_int_equal(outcome.points, 3);
    assert_int_equal(outcome.planned, 2);
    assert_int_equal(outcome.ran, 2);
    settings.shards = 1;
    assert_true(sweep_run(&settings, path, &outcome, &error));
    assert_int_equal(outcome.found, 2);
    assert_int_equal(outcome.ran, 1);
    assert_true(sweep_run(&settings, path, &outcome, &error));
    assert_int_equal(outcome.found, 3);
    assert_int_equal(outcome.ran, 0);
    settings = settings_of("engine.max_batch_requests=1,2,5");
    assert_false(sweep_run(&settings, path, &outcome, &error));
    assert_contains(error.message, "holds another sweep");
}

/* What cannot be is a row that says why; the others run. */
static void test_refusals_are_rows(void **state)
{
    (void)state;
    struct sweep_settings settings = settings_of("hardware.tensor_parallel=1,3");
    struct sweep_outcome outcome;
    struct sweep_store *store = NULL;
    struct sweep_totals totals;
    struct error error;
    assert_true(sweep_run(&settings, path, &outcome, &error));
    assert_int_equal(outcome.ran, 2);
    assert_int_equal(outcome.refused, 1);
    assert_true(sweep_store_open_existing(path, &store, &error));
    assert_true(sweep_store_count(store, &totals, &error));
    assert_int_equal(totals.rows, 2);
    assert_int_equal(totals.refused, 1);
    assert_false(sweep_export(store, "no/such/folder/rows.csv", &error));
    sweep_store_close(store);
}

static void test_errors_before_any_run(void **state)
{
    (void)state;
    struct sweep_settings settings = settings_of("engine.nothing=1,2");
    struct sweep_outcome outcome;
    struct error error;
    assert_false(sweep_run(&settings, path, &outcome, &error));
    assert_contains(error.message, "engine.nothing");
    assert_int_equal(outcome.ran, 0);
    assert_int_not_equal(access(path, F_OK), 0); /* no file is made */
    fclose(fopen(path, "w"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_are_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_before_any_run, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
