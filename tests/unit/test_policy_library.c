/* What a policy must have, built in or not. */
#include "tests/unit/check.h"

#include "sim/policy/policy_library.h"
#include "sim/policy/scheduling_policies.h"

static void check_fault(const struct scheduling_policy *policy, const char *message)
{
    struct error error;
    assert_false(policy_library_check(policy, "mine.so", &error));
    assert_contains(error.message, message);
}

static void test_those_that_are_built_in(void **state)
{
    (void)state;
    struct error error;
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        assert_true(policy_library_check(scheduling_policies[i], "built in", &error));
    }
}

static bool never(void *state, const struct policy_view *view, const struct policy_request *waiting,
                  const struct policy_request *running)
{
    (void)state;
    (void)view;
    (void)waiting;
    (void)running;
    return false;
}

static void test_faults(void **state)
{
    (void)state;
    const struct policy_parameter misnamed[] = {{.key = "speed", .help = "how fast"},
                                                {.key = NULL}};
    const struct policy_parameter outside[] = {
        {.key = "policy.speed", .value = 3, .maximum = 2, .help = "how fast"}, {.key = NULL}};
    struct scheduling_policy policy = {.abi = SCHEDULING_POLICY_ABI + 1};
    check_fault(&policy, "mine.so: a policy of ABI 1 is expected, got 2");
    policy.abi = SCHEDULING_POLICY_ABI;
    check_fault(&policy, "must have a name and a summary");
    policy.name = "mine";
    policy.summary = "is mine";
    policy.displaces = never;
    check_fault(&policy, "'mine' has 'displaces', so it must have 'key'");
    policy.displaces = NULL;
    policy.parameters = misnamed;
    check_fault(&policy, "must be named 'policy.NAME' and have a help, got 'speed'");
    policy.parameters = outside;
    check_fault(&policy, "'policy.speed' must start from 0 to 2, got 3");
    policy.parameters = NULL;
    struct error error;
    assert_true(policy_library_check(&policy, "mine.so", &error));
}

static void test_a_library_that_is_not_there(void **state)
{
    (void)state;
    struct error error;
    const struct scheduling_policy *found = NULL;
    assert_false(scheduling_policy_find("./not-there.so", &found, &error));
    assert_contains(error.message, "engine.policy: ./not-there.so");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_that_are_built_in),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_a_library_that_is_not_there),
    };
    return cmocka_run_group_tests_name("policy_library", tests, NULL, NULL);
}
