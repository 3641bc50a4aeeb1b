/* Samples of a question start together. */
#include "tests/unit/made_policy.h"

#include "sim/policy/gang.h"

static struct policy_request sample(uint64_t question, uint32_t samples)
{
    return (struct policy_request){.question = question, .samples = samples, .prompt_tokens = 100};
}

static void test_room_for_all(void **state)
{
    (void)state;
    struct made_policy made;
    made_policy_init(&made, &policy_gang);
    assert_true(made_policy_admits(&made, sample(1, 5)));
    for (int i = 0; i < 5; i++) {
        assert_true(made_policy_admits(&made, sample(1, 5)));
        made_policy_start(&made, sample(1, 5));
    }
    assert_false(made_policy_admits(&made, sample(2, 4))); /* three seats are left */
    assert_true(made_policy_admits(&made, sample(3, 3)));
    assert_true(made_policy_admits(&made, sample(0, 1)));
    made.view.free_blocks = 20; /* a sample takes seven */
    assert_false(made_policy_admits(&made, sample(3, 3)));
    made_policy_clear(&made);
}

/* Those that never fit at once are no gang. */
static void test_too_many(void **state)
{
    (void)state;
    struct made_policy made;
    made_policy_init(&made, &policy_gang);
    made_policy_start(&made, sample(1, 1));
    assert_true(made_policy_admits(&made, sample(2, MADE_RUNNING + 1)));
    made.view.total_blocks = 20;
    assert_true(made_policy_admits(&made, sample(3, 3)));
    made_policy_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_for_all),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("gang", tests, NULL, NULL);
}
