#include "tests/unit/check.h"

#include "sim/base/distribution.h"

static void test_distributions_invert(void **state)
{
    (void)state;
    for (int family = DISTRIBUTION_LOGNORMAL; family <= DISTRIBUTION_WEIBULL; family++) {
        for (double p = 0.05; p < 1; p += 0.1) {
            double value = distribution_quantile((enum distribution_family)family, 1.3, 0.7, p);
            assert_near(distribution_cumulative((enum distribution_family)family, 1.3, 0.7, value),
                        p, 1e-9);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions_invert),
    };
    return cmocka_run_group_tests_name("distribution", tests, NULL, NULL);
}
