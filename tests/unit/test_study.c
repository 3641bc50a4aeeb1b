#include "tests/unit/check.h"

#include <math.h>

#include "plots/study/study.h"
#include "sim/base/text.h"

static void test_cells_become_scenarios(void **state)
{
    (void)state;
    struct study_cells cells;
    struct error error;
    uint32_t with_times = 0;
    assert_true(study_cells_read(&cells, &error));
    assert_int_equal(cells.count, 400);
    for (uint32_t i = 0; i < cells.count; i++) {
        const struct study_cell *cell = &cells.cells[i];
        struct scenario scenario;
        assert_true(study_scenario(cell, &scenario));
        assert_int_equal(scenario.workload.requests,
                         text_equal(cell->dataset, "AIME24") ? 30 : 100);
        assert_int_equal(scenario.engine.settings.draft_tokens, cell->draft_tokens);
        with_times += !isnan(cell->published.pass_time_s);
    }
    assert_true(with_times > 180);
    study_cells_clear(&cells);
}

static void test_unknown_cells(void **state)
{
    (void)state;
    struct study_cell cell = {.model = "3B", .dataset = "GPQA", .method = "baseline"};
    struct scenario scenario;
    struct study_numbers simulated;
    struct error error;
    assert_false(study_scenario(&cell, &scenario));
    assert_true(study_simulate(&cell, 1, &simulated, &error));
    assert_true(isnan(simulated.pass_time_s));
}

/* Hardware by model, engine by KV precision. */
static void test_assignment(void **state)
{
    (void)state;
    struct study_cell cell = {.model = "7B",
                              .model_kind = "reasoning",
                              .dataset = "GPQA",
                              .method = "KV-FP8-E4M3",
                              .table = "12"};
    struct scenario scenario;
    assert_true(study_scenario(&cell, &scenario));
    assert_string_equal(scenario.hardware.gpu, "RTX 4090");
    assert_int_equal(scenario.hardware.tensor_parallel, 2);
    assert_string_equal(scenario.engine.preset->name, "vllm-v0");
    snprintf(cell.method, sizeof cell.method, "PD-1P1D");
    snprintf(cell.table, sizeof cell.table, "1");
    assert_true(study_scenario(&cell, &scenario));
    assert_string_equal(scenario.engine.preset->name, "vllm-v0");
    assert_int_equal(scenario.fleet.prefill_instances, 1);
    assert_int_equal(scenario.hardware.tensor_parallel, 1);
}

/* Prompts are found in the cache where the engine has one that is on. */
static void test_prefix_caching(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        uint32_t draft_tokens;
        bool caches;
    } cases[] = {{"baseline", 0, true}, {"no-prefix-cache", 0, false}, {"SD-ngram", 4, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct study_cell cell = {.model = "7B",
                                  .model_kind = "reasoning",
                                  .dataset = "GPQA",
                                  .table = "2",
                                  .draft_tokens = cases[i].draft_tokens};
        struct scenario scenario;
        snprintf(cell.method, sizeof cell.method, "%s", cases[i].method);
        assert_true(study_scenario(&cell, &scenario));
        assert_string_equal(scenario.engine.preset->name, "vllm-0.8");
        assert_int_equal(scenario.engine.settings.prefix_caching, cases[i].caches);
    }
}

static void test_error_of_an_accuracy(void **state)
{
    (void)state;
    struct study_cell cell = {.dataset = "AIME24", .published = {.accuracy_pct = 50}};
    assert_near(study_accuracy_error_pct(&cell), 100 * sqrt(0.25 / 90), 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_become_scenarios),
        cmocka_unit_test(test_unknown_cells),
        cmocka_unit_test(test_assignment),
        cmocka_unit_test(test_prefix_caching),
        cmocka_unit_test(test_error_of_an_accuracy),
    };
    return cmocka_run_group_tests_name("study", tests, NULL, NULL);
}
