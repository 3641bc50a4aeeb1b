#include "sim/experiments/replications.h"

#include "sim/metrics/figure_table.h"
#include "sim/scenario/scenario_file.h"
#include "tests/unit/check.h"

static struct scenario scenario;
static struct deployment deployment;

static int set_up(void **state)
{
    (void)state;
    struct error error;
    const struct option_list assignments = {{"workload.requests=25", "seed=11"}, 2};
    return scenario_file_read(&scenario, NULL, &assignments, NULL, &error) &&
                   deployment_resolve(&deployment, &scenario, &error)
               ? 0
               : 1;
}

static void assert_same(const struct run_summary *a, const struct run_summary *b)
{
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        double x = figure_value(figure, a);
        double y = figure_value(figure, b);
        if (x < y || x > y) {
            fail_msg("'%s' is %.17g and %.17g", figure->key, x, y);
        }
    }
}

/* Each is a run of the seed that follows, with noise, whatever ran beside it. */
static void test_seeds_follow(void **state)
{
    (void)state;
    struct run_summary runs[3];
    struct run_summary one;
    struct error error;
    assert_true(replications_run(&scenario, &deployment, NULL, 3, runs, &error));
    for (uint32_t i = 0; i < 3; i++) {
        struct scenario next = scenario;
        next.seed = 11 + i;
        next.noise = true;
        assert_true(replications_run_one(&next, &deployment, &one, &error));
        assert_same(&one, &runs[i]);
        assert_int_equal(runs[i].requests.total, 25);
    }
    assert_true(runs[0].makespan_s < runs[1].makespan_s || runs[0].makespan_s > runs[1].makespan_s);
}

static void test_first_is_taken(void **state)
{
    (void)state;
    struct run_summary runs[2];
    struct run_summary fresh[2];
    struct run_summary first = {.makespan_s = 123};
    struct error error;
    assert_true(replications_run(&scenario, &deployment, &first, 1, runs, &error));
    assert_near(runs[0].makespan_s, 123, 1e-12); /* nothing is run */
    assert_true(replications_run(&scenario, &deployment, NULL, 2, fresh, &error));
    assert_true(replications_run(&scenario, &deployment, &first, 2, runs, &error));
    assert_near(runs[0].makespan_s, 123, 1e-12);
    assert_same(&runs[1], &fresh[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds_follow),
        cmocka_unit_test(test_first_is_taken),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
