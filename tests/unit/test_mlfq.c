/* Levels of the feedback queue. */
#include "tests/unit/made_policy.h"

#include "sim/policy/mlfq.h"

static void test_levels(void **state)
{
    (void)state;
    const struct {
        uint32_t prompt;
        uint32_t outputs;
        double level;
    } expected[] = {{100, 0, 0},    {100, 254, 0}, {100, 256, 1},   {100, 767, 2},
                    {100, 9999, 5}, {30000, 0, 1}, {100, 100000, 5}};
    struct made_policy made;
    made_policy_init(&made, &policy_mlfq);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_near(
            made_policy_key(&made, (struct policy_request){.prompt_tokens = expected[i].prompt,
                                                           .output_tokens = expected[i].outputs}),
            expected[i].level, 1e-12);
    }
    made_policy_clear(&made);
}

/* A lower level displaces a higher one, unless that was sent so much earlier. */
static void test_displacing(void **state)
{
    (void)state;
    struct made_policy made;
    made_policy_init(&made, &policy_mlfq);
    struct policy_request waiting = {.sent_ps = 50 * (int64_t)1000000000000};
    const struct policy_request running = {.output_tokens = 300};
    assert_true(policy_mlfq.displaces(made.state, &made.view, &waiting, &running));
    waiting.sent_ps = 61 * (int64_t)1000000000000;
    assert_false(policy_mlfq.displaces(made.state, &made.view, &waiting, &running));
    made_policy_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_displacing),
    };
    return cmocka_run_group_tests_name("mlfq", tests, NULL, NULL);
}
