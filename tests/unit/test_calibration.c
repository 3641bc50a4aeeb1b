#include "tests/unit/check.h"

#include <math.h>

#include "calibration/measured_run.h"
#include "calibration/robust_fit.h"
#include "calibration/step_fit.h"
#include "sim/base/random.h"
#include "sim/pricing/attention_schedule.h"
#include "sim/pricing/cost_transfer.h"

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

static struct attention_time equal_contexts(const struct attention_shape *shape, uint32_t requests,
                                            uint32_t context)
{
    uint64_t tokens = (uint64_t)requests * context;
    struct attention_contexts contexts = {requests, tokens, tokens * context};
    return attention_schedule_typical(shape, &contexts, NULL);
}

static void test_attention_schedule(void **state)
{
    (void)state;
    const struct attention_shape shape = {.kv_heads = 4, .multiprocessors = 132};
    const double own = ATTENTION_PIECE_TILES;
    /* 16 requests x 4 heads x 2 pieces fit in one round of 5 tiles, or of 4 for the second piece,
     * four multiprocessors idle; a 17th request takes a second round of a few pieces, at the limit
     * of a lone multiprocessor. */
    struct attention_time one_round = equal_contexts(&shape, 16, 1100);
    assert_true(one_round.is_split);
    double fours = (4 + own) * (64 + 4) / 132.0 + (4 + own) * 64 / 132.0;
    assert_near(one_round.tiles, fours + 1 / (132.0 / 64), 0.15);
    struct attention_time two_rounds = equal_contexts(&shape, 17, 1100);
    assert_true(two_rounds.tiles > 1.3 * one_round.tiles);
    assert_false(equal_contexts(&shape, 128, 60).is_split);
    /* A single short context is one tile on each of four multiprocessors at full speed. */
    assert_near(equal_contexts(&shape, 1, 60).tiles, (1 + own) / 1.75, 1e-9);
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

/* Equal contexts are exact; spread ones come close to the schedule of contexts known one by one,
 * and what was seen before changes nothing. */
static void test_typical_contexts(void **state)
{
    (void)state;
    struct random_stream *random = random_create(6, "contexts");
    struct attention_memo memo = {0};
    const struct attention_shape shape = {.kv_heads = 8, .multiprocessors = 132};
    double played_sum = 0;
    double typical_sum = 0;
    for (int i = 0; i < 600; i++) {
        uint32_t contexts[64];
        struct attention_contexts sums = {.requests = 1 + random_below(random, 64)};
        uint32_t context = 200 + random_below(random, 12000);
        double spread = i % 2 == 0 ? 0 : random_uniform(random);
        for (uint32_t r = 0; r < sums.requests; r++) {
            contexts[r] = (uint32_t)(context * (1 + spread * (2 * random_uniform(random) - 1)));
            sums.tokens += contexts[r];
            sums.squares += (uint64_t)contexts[r] * contexts[r];
        }
        struct attention_time played = attention_schedule_tiles(&shape, contexts, sums.requests);
        struct attention_time fresh = attention_schedule_typical(&shape, &sums, NULL);
        struct attention_time recalled = attention_schedule_typical(&shape, &sums, &memo);
        assert_near(recalled.tiles, fresh.tiles, 0);
        assert_int_equal(recalled.is_split, fresh.is_split);
        if (spread == 0) {
            assert_near(fresh.tiles, played.tiles, 1e-9 * played.tiles);
            assert_int_equal(fresh.is_split, played.is_split);
        } else {
            played_sum += played.tiles;
            typical_sum += fresh.tiles;
        }
    }
    assert_near(typical_sum, played_sum, 0.03 * played_sum);
    attention_memo_clear(&memo);
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
        cmocka_unit_test(test_typical_contexts),
        cmocka_unit_test(test_transfer_follows_physics),
    };
    return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
