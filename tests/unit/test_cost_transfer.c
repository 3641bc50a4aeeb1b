#include "sim/hardware/model_catalog.h"
#include "tests/unit/check.h"

#include "sim/pricing/cost_transfer.h"
#include "sim/pricing/step_cost_file.h"

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
    const struct pricing_facts *facts = NULL;
    assert_true(pricing_facts_shipped(&facts, &error));
    assert_true(step_cost_read(&made, "calibration/qwen7b-bf16.json", &error));
    struct cost_configuration from = configuration("qwen2.5-7b", 0, 1);
    struct step_cost same = made;
    assert_true(cost_transfer(&same, facts, &from, &from, &error));
    assert_memory_equal(&same, &made, sizeof same);
    struct step_cost larger = made;
    struct cost_configuration large = configuration("qwen2.5-32b", 0, 1);
    assert_true(cost_transfer(&larger, facts, &from, &large, &error));
    assert_true(larger.decode.cost_ps[0] > 3 * made.decode.cost_ps[0]);
    assert_true(larger.tile_ps > made.tile_ps);
    assert_near(larger.uncertainty, 0.03, 1e-9);
    struct step_cost smaller = made;
    struct cost_configuration fp8 = configuration("qwen2.5-7b", 1, 1);
    assert_true(cost_transfer(&smaller, facts, &from, &fp8, &error));
    assert_true(smaller.decode.cost_ps[0] < 0.8 * made.decode.cost_ps[0]);
    struct step_cost shared = made;
    struct cost_configuration two = configuration("qwen2.5-7b", 0, 2);
    assert_true(cost_transfer(&shared, facts, &from, &two, &error));
    assert_int_equal(shared.attention.kv_heads, 2);
    assert_false(shared.host.launch_blocks_loop);
}

/* Weights are read once in any step: on a GPU that reads half as fast, a decode and a step with a
 * prompt of few tokens become longer by the same time. */
static void test_small_mixed_steps_read_once(void **state)
{
    (void)state;
    struct step_cost made;
    struct error error;
    const struct pricing_facts *facts = NULL;
    assert_true(pricing_facts_shipped(&facts, &error));
    assert_true(step_cost_read(&made, "calibration/qwen32b-bf16-tp2.json", &error));
    struct cost_configuration from = configuration("qwen2.5-32b", 0, 2);
    struct cost_configuration slow = from;
    struct step_cost carried = made;
    slow.gpu.memory_gb_per_s /= 2;
    snprintf(slow.gpu.name, sizeof slow.gpu.name, "slow");
    assert_true(cost_transfer(&carried, facts, &from, &slow, &error));
    double decode_ps = carried.decode.cost_ps[0] - made.decode.cost_ps[0];
    double mixed_ps = carried.mixed.cost_ps[0] - made.mixed.cost_ps[0];
    assert_true(decode_ps > 1e9);
    assert_near(mixed_ps / decode_ps, 1, 1e-6);
}

/* Without the number of multiprocessors decode attention would be free. */
static void test_missing_fact_is_an_error(void **state)
{
    (void)state;
    struct step_cost made;
    struct error error;
    const struct pricing_facts *facts = NULL;
    assert_true(pricing_facts_shipped(&facts, &error));
    assert_true(step_cost_read(&made, "calibration/qwen7b-bf16.json", &error));
    struct cost_configuration from = configuration("qwen2.5-7b", 0, 1);
    struct cost_configuration to = configuration("qwen2.5-14b", 0, 1);
    to.gpu.sm_count = 0;
    assert_false(cost_transfer(&made, facts, &from, &to, &error));
    assert_contains(error.message, "'sm_count' of GPU 'H200-SXM' is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer_follows_physics),
        cmocka_unit_test(test_small_mixed_steps_read_once),
        cmocka_unit_test(test_missing_fact_is_an_error),
    };
    return cmocka_run_group_tests_name("cost_transfer", tests, NULL, NULL);
}
