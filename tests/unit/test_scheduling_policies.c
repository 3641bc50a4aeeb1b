#include "tests/unit/check.h"

#include "sim/policy/scheduling_policies.h"

static void test_finds_each_by_its_name(void **state)
{
    (void)state;
    struct error error;
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        const struct scheduling_policy *found = NULL;
        assert_true(scheduling_policy_find(scheduling_policies[i]->name, &found, &error));
        assert_ptr_equal(found, scheduling_policies[i]);
        assert_true(strlen(found->summary) > 10);
    }
}

static void test_unknown_name(void **state)
{
    (void)state;
    const struct scheduling_policy *found = NULL;
    struct error error;
    assert_false(scheduling_policy_find("priorty", &found, &error));
    assert_null(found);
    assert_contains(error.message, "priorty");
    assert_contains(error.message, "priority");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_each_by_its_name),
        cmocka_unit_test(test_unknown_name),
    };
    return cmocka_run_group_tests_name("scheduling_policies", tests, NULL, NULL);
}
