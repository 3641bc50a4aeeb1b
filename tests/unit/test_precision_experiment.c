#include "tests/unit/check.h"

#include <math.h>

#include "plots/study/precision_experiment.h"

static void test_published_losses(void **state)
{
    (void)state;
    struct precision_table table;
    struct error error;
    assert_true(precision_table_read(&table, &error));
    assert_int_equal(table.count, 11);
    for (uint32_t i = 0; i < table.count; i++) {
        for (uint32_t k = 0; k < table.formats[i].count; k++) {
            const struct precision_loss *loss = &table.formats[i].losses[k];
            assert_true(loss->benchmarks >= 4 && loss->size_b >= 1.5 && loss->size_b <= 70);
            assert_true(loss->points > -5 && loss->points < 80 && loss->error >= 0);
        }
    }
    precision_table_clear(&table);
}

/* Losses on a line in the logarithms: the crossing is known, and resampling cannot move it. */
static void test_threshold_of_a_line(void **state)
{
    (void)state;
    struct precision_format format = {.name = "line", .count = 4};
    for (uint32_t i = 0; i < format.count; i++) {
        double size_b = pow(3, i + 1);
        format.losses[i] = (struct precision_loss){.size_b = size_b, .points = 60 / size_b};
    }
    struct precision_threshold threshold = precision_threshold_of(&format, 2);
    assert_near(threshold.size_b, 30, 1e-6);
    assert_near(threshold.low_b, 30, 1e-3);
}

/* A loss that does not fall with the size has no threshold. */
static void test_no_threshold(void **state)
{
    (void)state;
    struct precision_format format = {.name = "rising", .count = 4};
    for (uint32_t i = 0; i < format.count; i++) {
        format.losses[i] = (struct precision_loss){.size_b = i + 1, .points = 3 + i};
    }
    struct precision_threshold threshold = precision_threshold_of(&format, 2);
    assert_true(isnan(threshold.size_b));
    assert_true(isinf(threshold.high_b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_losses),
        cmocka_unit_test(test_threshold_of_a_line),
        cmocka_unit_test(test_no_threshold),
    };
    return cmocka_run_group_tests_name("precision_experiment", tests, NULL, NULL);
}
