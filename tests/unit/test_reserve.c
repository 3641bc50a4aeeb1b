/* Room for all at their ends. */
#include "tests/unit/made_policy.h"

#include "sim/policy/reserve.h"

static void test_sum_of_ends(void **state)
{
    (void)state;
    const struct policy_request request = {.prompt_tokens = 160, .predicted_tokens = 480};
    struct made_policy made;
    made_policy_init(&made, &policy_reserve); /* each takes 41 of 100 blocks */
    assert_true(made_policy_admits(&made, request));
    made_policy_start(&made, request);
    assert_true(made_policy_admits(&made, request));
    made_policy_start(&made, request);
    assert_false(made_policy_admits(&made, request));
    made.running[0].predicted_tokens = 32; /* learned meanwhile */
    assert_true(made_policy_admits(&made, request));
    assert_int_equal(policy_reserve.milestone_tokens(made.state), 512);
    made_policy_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sum_of_ends)};
    return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
