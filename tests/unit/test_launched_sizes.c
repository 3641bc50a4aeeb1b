#include "tests/unit/check.h"

#include "sim/pricing/step_clock.h"

static void test_launched_sizes(void **state)
{
    (void)state;
    struct launched_sizes sizes = {NULL, 0};
    struct launched_sizes others = {NULL, 0};
    assert_true(launched_sizes_add(&sizes, 257));
    assert_false(launched_sizes_add(&sizes, 272));
    assert_true(launched_sizes_add(&sizes, 273));
    assert_true(launched_sizes_add(&others, 100000));
    launched_sizes_add_all(&sizes, &others);
    assert_false(launched_sizes_add(&sizes, 100000));
    assert_true(launched_sizes_add(&others, 257));
    launched_sizes_clear(&sizes);
    launched_sizes_clear(&others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launched_sizes),
    };
    return cmocka_run_group_tests_name("launched_sizes", tests, NULL, NULL);
}
