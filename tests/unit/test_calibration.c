#include "tests/unit/check.h"

#include <math.h>

#include "calibration/measured_run.h"
#include "calibration/robust_fit.h"
#include "calibration/step_fit.h"
#include "sim/base/random.h"
#include "sim/serving/attention_schedule.h"
#include "sim/serving/cost_transfer.h"

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

static void test_attention_schedule(void **state)
{
    (void)state;
    const struct attention_shape shape = {.kv_heads = 4, .multiprocessors = 132};
    bool is_split = false;
    /* 16 requests x 4 heads x 2 pieces fit in one round of 5 tiles; a 17th takes a second round. */
    double one_round = attention_schedule_equal(&shape, 16, 16 * 1100, &is_split);
    assert_true(is_split);
    assert_near(one_round, 5.0 * 128 / 132, 0.2);
    double two_rounds = attention_schedule_equal(&shape, 17, 17 * 1100, &is_split);
    assert_true(two_rounds > 1.3 * one_round);
    attention_schedule_equal(&shape, 128, 128 * 60, &is_split);
    assert_false(is_split);
    /* Many unequal contexts fill the gaps: close to an even spread. */
    assert_near(attention_schedule_imbalance(&shape, 256), 1, 0.02);
    assert_true(attention_schedule_imbalance(&shape, 16) > 1.05);
}

static void test_measured_run_errors(void **state)
{
    (void)state;
    struct measured_run run;
    struct error error;
    assert_false(measured_run_read(&run, "/nonexistent", &error));
    assert_contains(error.message, "/nonexistent/engine.json: cannot read");
}

static void test_run_without_sweeps(void **state)
{
    (void)state;
    struct measured_run run;
    struct step_cost cost;
    struct fit_report report;
    struct error error;
    const char *path = source_path("calibration/measured/qwen7b-bf16-kv96k");
    assert_true(measured_run_read(&run, path, &error));
    assert_false(step_fit_run(&run, &cost, &report, &error));
    assert_contains(error.message, "too few measured steps in sweep jobs");
    measured_run_clear(&run);
}

/* The closed form for equal contexts is the schedule played out. */
static void test_equal_contexts_in_closed_form(void **state)
{
    (void)state;
    struct random_stream *random = random_create(6, "contexts");
    for (int i = 0; i < 300; i++) {
        struct attention_shape shape = {.kv_heads = 1 + random_below(random, 8),
                                        .multiprocessors = 20 + random_below(random, 130)};
        uint32_t contexts[64];
        uint32_t requests = 1 + random_below(random, 64);
        uint32_t context = random_below(random, 20000);
        for (uint32_t r = 0; r < requests; r++) {
            contexts[r] = context;
        }
        bool split = false;
        bool split_closed = false;
        double played = attention_schedule_tiles(&shape, contexts, requests, &split);
        double closed =
            attention_schedule_equal(&shape, requests, (uint64_t)context * requests, &split_closed);
        assert_near(closed, played, 1e-9 * played + 1e-9);
        assert_int_equal(split, split_closed);
    }
    random_destroy(random);
}

static struct cost_configuration configuration(const char *model, uint32_t weights, uint32_t degree)
{
    struct cost_configuration found = {
        .weights = &weight_precisions[weights], .kv = &kv_precisions[0], .tensor_parallel = degree};
    struct model_catalog models;
    struct gpu_catalog gpus;
    struct error error;
    assert_true(model_catalog_read(&models, &error) && gpu_catalog_read(&gpus, &error));
    assert_true(model_catalog_find(&models, model, &found.model, &error));
    assert_true(gpu_catalog_find(&gpus, "H200", &found.gpu, &error));
    model_catalog_clear(&models);
    gpu_catalog_clear(&gpus);
    return found;
}

static void test_transfer_follows_physics(void **state)
{
    (void)state;
    struct step_cost made;
    struct error error;
    assert_true(step_cost_read(&made, "calibration/qwen7b-bf16.json", &error));
    struct cost_configuration from = configuration("qwen2.5-7b", 0, 1);
    struct step_cost same = made;
    cost_transfer(&same, &from, &from);
    assert_memory_equal(&same, &made, sizeof same);
    struct step_cost larger = made;
    struct cost_configuration large = configuration("qwen2.5-32b", 0, 1);
    cost_transfer(&larger, &from, &large);
    assert_true(larger.decode.cost_ps[0] > 3 * made.decode.cost_ps[0]);
    assert_true(larger.tile_ps > made.tile_ps);
    assert_near(larger.uncertainty, 0.03, 1e-9);
    struct step_cost smaller = made;
    struct cost_configuration fp8 = configuration("qwen2.5-7b", 1, 1);
    cost_transfer(&smaller, &from, &fp8);
    assert_true(smaller.decode.cost_ps[0] < 0.8 * made.decode.cost_ps[0]);
    struct step_cost shared = made;
    struct cost_configuration two = configuration("qwen2.5-7b", 0, 2);
    cost_transfer(&shared, &from, &two);
    assert_int_equal(shared.attention.kv_heads, 2);
    assert_false(shared.launch_blocks_loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_is_robust),
        cmocka_unit_test(test_fit_is_nonnegative),
        cmocka_unit_test(test_attention_schedule),
        cmocka_unit_test(test_measured_run_errors),
        cmocka_unit_test(test_run_without_sweeps),
        cmocka_unit_test(test_equal_contexts_in_closed_form),
        cmocka_unit_test(test_transfer_follows_physics),
    };
    return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
