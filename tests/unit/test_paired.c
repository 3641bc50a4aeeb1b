#include "tests/unit/check.h"

#include <math.h>

#include "sim/metrics/paired.h"

static const struct figure *makespan(void)
{
    const struct figure *figure = NULL;
    struct error error;
    assert_true(figure_find("makespan_s", &figure, &error));
    return figure;
}

static struct paired compare(const double *first, const double *second, uint32_t count)
{
    static struct run_summary runs[2][16];
    for (uint32_t i = 0; i < count; i++) {
        runs[0][i].makespan_s = first[i];
        runs[1][i].makespan_s = second[i];
    }
    return paired_compare(makespan(), runs[0], runs[1], count, 0.95);
}

/* Differences 1, 2, 3, 4, 5: mean 3, deviation sqrt(2.5), t = 3 / sqrt(0.5) = 4.243 of 4 degrees:
 * chance 0.01324 (tables), half width 2.776 sqrt(0.5). */
static void test_by_hand(void **state)
{
    (void)state;
    struct paired paired =
        compare((double[]){10, 20, 30, 40, 50}, (double[]){11, 22, 33, 44, 55}, 5);
    assert_int_equal(paired.pairs, 5);
    assert_near(paired.first, 30, 1e-12);
    assert_near(paired.second, 33, 1e-12);
    assert_near(paired.difference, 3, 1e-12);
    assert_near(paired.high - 3, 2.7764451 * sqrt(0.5), 1e-6);
    assert_near(3 - paired.low, 2.7764451 * sqrt(0.5), 1e-6);
    assert_near(paired.chance, 0.01324, 1e-5);
}

static void test_edges(void **state)
{
    (void)state;
    struct paired paired = compare((double[]){1, 2}, (double[]){2, 3}, 2);
    assert_near(paired.chance, 0, 0); /* always one more */
    assert_near(paired.low, 1, 0);
    paired = compare((double[]){1, 2}, (double[]){1, 2}, 2);
    assert_near(paired.chance, 1, 0);
    paired = compare((double[]){1, NAN, 3}, (double[]){2, 5, NAN}, 3);
    assert_int_equal(paired.pairs, 1);
    assert_near(paired.difference, 1, 0);
    assert_true(isnan(paired.low) && isnan(paired.chance));
    paired = compare((double[]){NAN}, (double[]){1}, 1);
    assert_int_equal(paired.pairs, 0);
    assert_true(isnan(paired.difference));
}

/* Holm by hand: 0.01 <= 0.05 / 4, 0.015 <= 0.05 / 3, 0.03 > 0.05 / 2, and so not 0.04 either. */
static void test_holm(void **state)
{
    (void)state;
    const struct paired differences[] = {
        {.chance = 0.04}, {.chance = 0.01}, {.chance = NAN}, {.chance = 0.03}, {.chance = 0.015}};
    bool significant[5];
    paired_significant(differences, 5, 0.05, significant);
    const bool expected[] = {false, true, false, false, true};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(significant[i], expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_holm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
