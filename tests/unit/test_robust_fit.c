#include "tests/unit/check.h"

#include "calibration/robust_fit.h"
#include "sim/base/random.h"

/* Coefficients come back through noise and one outlier in ten; none goes below zero. */
static void test_fit_is_robust(void **state)
{
    (void)state;
    enum { COUNT = 300, COLUMNS = 3 };
    static double rows[COUNT * COLUMNS];
    static double targets[COUNT];
    double found[COLUMNS];
    struct random_stream *random = random_create(4, "fit");
    for (int i = 0; i < COUNT; i++) {
        double *row = &rows[(size_t)i * COLUMNS];
        row[0] = 1;
        row[1] = random_uniform(random);
        row[2] = random_uniform(random);
        targets[i] = (5 + 2 * row[1]) * (1 + 0.002 * (random_uniform(random) - 0.5));
        if (i % 10 == 0) {
            targets[i] *= 4;
        }
    }
    random_destroy(random);
    robust_fit(rows, targets, COUNT, COLUMNS, found);
    assert_near(found[0], 5, 0.02);
    assert_near(found[1], 2, 0.04);
    assert_true(found[2] >= 0);
    assert_near(found[2], 0, 0.02);
}

/* A column that only a negative coefficient would suit is left out. */
static void test_fit_is_nonnegative(void **state)
{
    (void)state;
    double rows[] = {1, 0, 1, 1, 1, 2, 1, 3};
    double targets[] = {10, 9, 8, 7};
    double found[2];
    robust_fit(rows, targets, 4, 2, found);
    assert_near(found[1], 0, 0);
    assert_true(found[0] > 7 && found[0] < 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_is_robust),
        cmocka_unit_test(test_fit_is_nonnegative),
    };
    return cmocka_run_group_tests_name("robust_fit", tests, NULL, NULL);
}
