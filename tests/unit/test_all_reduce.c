#include "tests/unit/check.h"

#include "sim/pricing/pricing_facts.h"

static const struct gpu linked = {.name = "linked", .peer_access = GPU_PEER_LINK};
static const struct gpu apart = {.name = "apart", .peer_access = GPU_PEER_NONE};

static const struct all_reduce_tables *shipped(void)
{
    const struct pricing_facts *facts = NULL;
    struct error error;
    assert_true(pricing_facts_shipped(&facts, &error));
    return &facts->all_reduces;
}

static void test_measured_points(void **state)
{
    (void)state;
    assert_near(all_reduce_us(shipped(), &linked, 1, 1e6), 0, 0);
    assert_near(all_reduce_us(shipped(), &linked, 2, 8192), 4.64, 1e-6);
    assert_near(all_reduce_us(shipped(), &apart, 4, 65536), 32.2, 1e-6);
}

/* Between two points the time lies between theirs, beyond the last it goes on rising. */
static void test_times_rise(void **state)
{
    (void)state;
    double last = 0;
    for (double bytes = 100; bytes < 1e10; bytes *= 1.7) {
        double us = all_reduce_us(shipped(), &apart, 8, bytes);
        assert_true(us >= last);
        assert_true(us > all_reduce_us(shipped(), &linked, 8, bytes));
        assert_true(all_reduce_us(shipped(), &apart, 4, bytes) >=
                    all_reduce_us(shipped(), &apart, 2, bytes));
        last = us;
    }
}

/* A degree without a table takes the next larger one, and the largest beyond all. */
static void test_degrees_between(void **state)
{
    (void)state;
    assert_near(all_reduce_us(shipped(), &linked, 3, 1e6),
                all_reduce_us(shipped(), &linked, 4, 1e6), 0);
    assert_near(all_reduce_us(shipped(), &linked, 64, 1e6),
                all_reduce_us(shipped(), &linked, 8, 1e6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_points),
        cmocka_unit_test(test_times_rise),
        cmocka_unit_test(test_degrees_between),
    };
    return cmocka_run_group_tests_name("all_reduce", tests, NULL, NULL);
}
