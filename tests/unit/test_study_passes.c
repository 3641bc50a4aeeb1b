#include "tests/unit/check.h"

#include "plots/study/study.h"
#include "plots/study/study_passes.h"

/* AIME-2024 on 7B traditional, all of its 30 items in one batch. */
static struct study_pass_totals passes_of(uint32_t counted, const char *method)
{
    struct study_cell cell = {.model = "7B",
                              .model_kind = "traditional",
                              .dataset = "AIME24",
                              .table = "3",
                              .batch_size = 64};
    struct scenario scenario;
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    struct study_pass_totals totals = {.requests = 0};
    struct error error;
    snprintf(cell.method, sizeof cell.method, "%s", method);
    assert_true(study_scenario(&cell, &scenario));
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_true(scenario_run_init(&run, &scenario, &deployment, &error));
    assert_true(study_passes_run(&scenario, &run, counted, &totals, &error));
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    return totals;
}

/* The batch of a pass does not take items of the next one, so each pass takes as long; what they
 * stream is that of the passes that count. */
static void test_passes_are_apart(void **state)
{
    (void)state;
    struct study_pass_totals one = passes_of(1, "baseline");
    struct study_pass_totals three = passes_of(3, "baseline");
    assert_int_equal(one.requests, 30);
    assert_int_equal(three.requests, 90);
    assert_near(three.time_s / one.time_s, 3, 0.05);
    assert_near(three.chunks / one.chunks, 3, 1e-9);
    assert_int_equal(one.first_visible, 30);
}

/* The pass before leaves its prompts in the cache. */
static void test_prompts_are_found(void **state)
{
    (void)state;
    struct study_pass_totals found = passes_of(1, "baseline");
    struct study_pass_totals computed = passes_of(1, "no-prefix-cache");
    assert_true(found.first_token_s < 0.8 * computed.first_token_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_are_apart),
        cmocka_unit_test(test_prompts_are_found),
    };
    return cmocka_run_group_tests_name("study_passes", tests, NULL, NULL);
}
