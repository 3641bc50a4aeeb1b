#include "sim/experiments/headroom.h"

#include <math.h>

#include "sim/scenario/scenario_file.h"
#include "tests/unit/check.h"

static struct scenario scenario;

static struct headroom find(const char *goal, const char *first, const char *second)
{
    struct goal_list goals;
    struct error error;
    const struct option_list texts = {{goal}, 1};
    const struct option_list assignments = {{"workload.requests=10", first, second}, 3};
    assert_true(goal_list_parse(&texts, &goals, &error));
    if (!scenario_file_read(&scenario, NULL, &assignments, NULL, &error)) {
        fail_msg("%s", error.message);
    }
    return headroom_find(&scenario, &goals, 2, true);
}

/* A bound that no rate reaches, and one that all do. */
static void test_ends_of_the_range(void **state)
{
    (void)state;
    struct headroom all = find("e2e_s.max<1e9", "workload.rate_per_s=1", "seed=1");
    assert_true(all.is_open && all.is_met);
    assert_near(all.met_per_s, 16, 1e-9);
    assert_true(isnan(all.miss_per_s)); /* nothing above was tried */
    struct headroom none = find("e2e_s.max<1e-9", "workload.rate_per_s=1", "seed=1");
    assert_true(none.is_open);
    assert_false(none.is_met);
    assert_true(isnan(none.met_per_s));
    assert_true(none.runs >= none.tried && none.tried > 0);
}

static void test_closed_loads_have_none(void **state)
{
    (void)state;
    struct headroom batch = find("e2e_s.max<1e9", "workload.client=batch", "seed=1");
    assert_false(batch.is_open);
    assert_int_equal(batch.runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_of_the_range),
        cmocka_unit_test(test_closed_loads_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
