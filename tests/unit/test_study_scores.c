#include "tests/unit/check.h"

#include <math.h>

#include "plots/study/study_scores.h"
#include "sim/base/text.h"

/* Two tables, one of which gave a constant; errors of 10 and 30 % apart from each other. */
static void test_scores_apart(void **state)
{
    (void)state;
    enum { PASS_TIME = 2 };
    struct study_cell cells[] = {
        {.table = "2", .dataset = "GPQA", .published = {.pass_time_s = 100}},
        {.table = "4", .dataset = "GPQA", .published = {.pass_time_s = 100}},
        {.table = "4", .dataset = "GPQA", .published = {.pass_time_s = 100}, .suspect = "typo"},
        {.table = "4", .dataset = "GPQA", .published = {.pass_time_s = NAN}}};
    struct study_numbers simulated[] = {
        {.pass_time_s = 110}, {.pass_time_s = 70}, {.pass_time_s = 500}, {.pass_time_s = 1}};
    const struct study_cell *pointers[] = {&cells[0], &cells[1], &cells[2], &cells[3]};
    const struct study_results results = {pointers, simulated, 4};
    struct study_score all = study_score_of(&results, PASS_TIME, STUDY_ALL_CELLS);
    struct study_score gave = study_score_of(&results, PASS_TIME, STUDY_CELLS_THAT_GAVE);
    struct study_score none = study_score_of(&results, PASS_TIME, STUDY_CELLS_THAT_GAVE_NONE);
    assert_int_equal(all.cells, 2);
    assert_int_equal(gave.cells, 1);
    assert_near(gave.bias_pct, 10, 1e-9);
    assert_near(none.median_pct, 30, 1e-9);
    assert_near(none.bias_pct, -30, 1e-9);
}

static void test_tables_that_gave(void **state)
{
    (void)state;
    assert_true(study_table_gave_constant("2"));
    assert_true(study_table_gave_constant("18"));
    assert_true(study_table_gave_constant("1"));
    assert_false(study_table_gave_constant("22"));
    assert_false(study_table_gave_constant("8"));
}

static void test_unknown_table(void **state)
{
    (void)state;
    struct study_cells cells;
    struct study_results results;
    struct error error;
    const struct option_list asked = {{"24"}, 1};
    const struct option_list third = {{"3"}, 1};
    assert_true(study_cells_read(&cells, &error));
    assert_false(study_results_create(&results, &cells, &asked, &error));
    assert_contains(error.message, "no such table");
    assert_true(study_results_create(&results, &cells, &third, &error));
    assert_int_equal(results.count, 12);
    study_results_clear(&results);
    study_cells_clear(&cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_apart),
        cmocka_unit_test(test_tables_that_gave),
        cmocka_unit_test(test_unknown_table),
    };
    return cmocka_run_group_tests_name("study_scores", tests, NULL, NULL);
}
