/* Users take turns by what they cost. */
#include "tests/unit/made_policy.h"

#include "sim/policy/fair_share.h"

static struct made_policy made;

static struct policy_request of_user(uint32_t user)
{
    return (struct policy_request){.user = user, .prompt_tokens = 10, .predicted_tokens = 20};
}

/* Each costs 10 + 2 x 20. */
static void test_turns(void **state)
{
    (void)state;
    made_policy_init(&made, &policy_fair_share);
    assert_near(made_policy_key(&made, of_user(1)), 0, 1e-12);
    assert_near(made_policy_key(&made, of_user(1)), 50, 1e-12);
    assert_near(made_policy_key(&made, of_user(1)), 100, 1e-12);
    assert_near(made_policy_key(&made, of_user(40)), 0, 1e-12);
    assert_near(made_policy_key(&made, of_user(40)), 50, 1e-12);
    made_policy_clear(&made);
}

/* What an answer cost beyond what was predicted is paid by the next; who was away starts where the
 * service of all stands; a preempted request keeps its place. */
static void test_settling(void **state)
{
    (void)state;
    made_policy_init(&made, &policy_fair_share);
    struct policy_request first = of_user(3);
    assert_near(made_policy_key(&made, first), 0, 1e-12);
    first.output_tokens = 120;
    policy_fair_share.on_event(made.state, &made.view, POLICY_FINISH, &first);
    struct policy_request second = of_user(3);
    second.key = made_policy_key(&made, second);
    assert_near(second.key, 250, 1e-12);
    made_policy_start(&made, second);
    assert_near(made_policy_key(&made, of_user(5)), 250, 1e-12);
    second.preemptions = 1;
    assert_near(made_policy_key(&made, second), 250, 1e-12);
    made_policy_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_settling),
    };
    return cmocka_run_group_tests_name("fair_share", tests, NULL, NULL);
}
