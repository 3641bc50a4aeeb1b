#include "tests/unit/check.h"

#include "sim/hardware/model_catalog.h"
#include "sim/hardware/precision.h"
#include "sim/pricing/engine_factors.h"

static struct cost_configuration configuration(const char *weights)
{
    struct cost_configuration made = {.tensor_parallel = 1};
    struct error error;
    assert_true(model_shape_find("qwen2.5-7b", &made.model, &error));
    assert_true(gpu_find("H200", &made.gpu, &error));
    assert_true(weight_precision_find(weights, &made.weights, &error));
    assert_true(kv_precision_find("bf16", &made.kv, &error));
    return made;
}

static struct step_cost cost_of(double decode_ps, double mixed_ps)
{
    struct step_cost cost = step_cost_constant(1);
    cost.decode =
        (struct cost_curve){.count = 2, .tokens = {1, 32}, .cost_ps = {decode_ps, 1.5 * decode_ps}};
    cost.mixed = (struct cost_curve){.count = 2, .tokens = {64, 1024}, .cost_ps = {mixed_ps, 8e10}};
    return cost;
}

/* What was learned gives the calibration in the format back, from the one in bf16. */
static void test_applied_to_what_it_was_learned_from(void **state)
{
    (void)state;
    const struct cost_configuration fp8 = configuration("fp8");
    const struct step_cost bf16 = cost_of(6e9, 1e10);
    const struct step_cost format = cost_of(4.5e9, 0.9e10);
    struct engine_factors factors;
    struct step_cost cost = bf16;
    engine_factors_learn(&factors, &format, &bf16, &fp8, 0.8);
    engine_factors_apply(&factors, &cost, &fp8);
    for (uint32_t k = 0; k < 2; k++) {
        assert_near(cost.decode.cost_ps[k], format.decode.cost_ps[k], 1);
        assert_near(cost.mixed.cost_ps[k], format.mixed.cost_ps[k], 1);
    }
}

/* Beyond its ends what was seen last holds, and no step gets cheaper than a tenth. */
static void test_ends_and_floor(void **state)
{
    (void)state;
    const struct cost_configuration fp8 = configuration("fp8");
    const struct step_cost bf16 = cost_of(6e9, 1e10);
    const struct step_cost format = cost_of(4.5e9, 0.5e10);
    struct engine_factors factors;
    engine_factors_learn(&factors, &format, &bf16, &fp8, 0.8);
    struct step_cost cost = bf16;
    cost.mixed.tokens[0] = 16; /* below the first knot that was learned */
    cost.decode.cost_ps[0] = 1e6;
    engine_factors_apply(&factors, &cost, &fp8);
    assert_near(cost.mixed.cost_ps[0], 0.5e10, 1);
    assert_near(cost.decode.cost_ps[0], 1e5, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_applied_to_what_it_was_learned_from),
        cmocka_unit_test(test_ends_and_floor),
    };
    return cmocka_run_group_tests_name("engine_factors", tests, NULL, NULL);
}
