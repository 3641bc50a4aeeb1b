#include "sim/experiments/comparison.h"

#include "tests/unit/check.h"

/* Equal sides come out equal run by run: they share their seeds. */
static void test_sides_share_seeds(void **state)
{
    (void)state;
    const struct compared_scenario sides[] = {
        {NULL, {{"workload.requests=20"}, 1}},
        {NULL, {{"workload.requests=20", "seed=99"}, 2}}, /* the first one's counts */
        {NULL, {{"workload.requests=20", "engine.max_batch_requests=1"}, 2}},
    };
    struct comparison comparison;
    struct error error;
    assert_true(comparison_run(sides, 3, NULL, 2, &comparison, &error));
    const struct run_summary *first = comparison_runs(&comparison, 0);
    const struct run_summary *same = comparison_runs(&comparison, 1);
    const struct run_summary *slow = comparison_runs(&comparison, 2);
    assert_ptr_equal(same, first + 2);
    for (int i = 0; i < 2; i++) {
        assert_near(first[i].makespan_s, same[i].makespan_s, 0);
        assert_near(first[i].latency.ttft_s.p99, same[i].latency.ttft_s.p99, 0);
        assert_true(slow[i].makespan_s > first[i].makespan_s);           /* one request at a time */
        assert_int_equal(slow[i].tokens.output, first[i].tokens.output); /* of the same requests */
    }
    assert_true(first[0].makespan_s < first[1].makespan_s ||
                first[0].makespan_s > first[1].makespan_s);
    comparison_clear(&comparison);
    assert_null(comparison.runs);
}

static void test_any_side_may_be_wrong(void **state)
{
    (void)state;
    struct comparison comparison;
    struct error error;
    const struct compared_scenario unknown[] = {{NULL, {{NULL}, 0}},
                                                {NULL, {{"hardware.gpu=none"}, 1}}};
    assert_false(comparison_run(unknown, 2, NULL, 2, &comparison, &error));
    assert_contains(error.message, "none");
    assert_null(comparison.runs);
    const struct compared_scenario missing[] = {{"no/such/file.json", {{NULL}, 0}}};
    assert_false(comparison_run(missing, 1, NULL, 1, &comparison, &error));
    assert_contains(error.message, "no/such/file.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides_share_seeds),
        cmocka_unit_test(test_any_side_may_be_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
