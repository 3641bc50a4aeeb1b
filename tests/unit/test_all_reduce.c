#include "tests/unit/check.h"

#include "sim/pricing/all_reduce.h"

static void test_all_reduces(void **state)
{
    (void)state;
    struct gpu linked;
    struct gpu pcie;
    struct error error;
    assert_true(gpu_find("H200-SXM", &linked, &error));
    assert_true(gpu_find("RTX 4090", &pcie, &error));
    assert_near(all_reduce_us(&linked, 1, 1e6), 0, 0);
    assert_near(all_reduce_us(&linked, 2, 8192), 4.64, 1e-6); /* a measured point */
    assert_near(all_reduce_us(&pcie, 4, 65536), 32.2, 1e-6);
    for (double bytes = 100; bytes < 1e9; bytes *= 3) {
        assert_true(all_reduce_us(&pcie, 8, bytes) > all_reduce_us(&linked, 8, bytes));
        assert_true(all_reduce_us(&pcie, 4, bytes) >= all_reduce_us(&pcie, 2, bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_reduces),
    };
    return cmocka_run_group_tests_name("all_reduce", tests, NULL, NULL);
}
