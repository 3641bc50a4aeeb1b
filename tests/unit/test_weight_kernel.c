#include "tests/unit/check.h"

#include "sim/hardware/precision.h"
#include "sim/pricing/weight_kernel.h"

static struct weight_kernel kernel_list[] = {
    {.weights = "bf16", .kernel = "plain", .read = 1, .compute = 1},
    {.weights = "int4", .kernel = "old", .to_capability = 9, .read = 0.5, .compute = 1},
    {.weights = "int4",
     .kernel = "new",
     .from_capability = 9,
     .to_capability = 10,
     .read = 0.7,
     .compute = 1},
};
static const struct weight_kernels kernels = {kernel_list, 3};

static const char *found_for(const char *weights, double capability, struct error *error)
{
    const struct gpu gpu = {.name = "some GPU", .compute_capability = capability};
    const struct weight_kernel *found = NULL;
    return weight_kernel_find(&kernels, weights, &gpu, &found, error) ? found->kernel : NULL;
}

/* From a capability on, to below another. */
static void test_edges_of_capabilities(void **state)
{
    (void)state;
    struct error error;
    assert_string_equal(found_for("int4", 8.9, &error), "old");
    assert_string_equal(found_for("int4", 9.0, &error), "new");
    assert_null(found_for("int4", 10.0, &error));
    assert_contains(error.message, "no kernel for 'int4' weights on 'some GPU'");
    assert_string_equal(found_for("bf16", 0, &error), "plain");
}

static void test_capability_must_be_known(void **state)
{
    (void)state;
    struct error error;
    assert_null(found_for("int4", 0, &error));
    assert_contains(error.message, "the kernel for 'int4' weights");
    assert_contains(error.message, "'compute_capability' of GPU 'some GPU' is not known");
    assert_null(found_for("int3", 9.0, &error));
    assert_contains(error.message, "no kernel for 'int3' weights");
}

/* Ours are relative to bf16, and each format that weights can have has one on H200. */
static void test_shipped_kernels(void **state)
{
    (void)state;
    struct weight_kernels shipped;
    struct error error;
    const struct gpu gpu = {.name = "H200", .compute_capability = 9.0};
    const struct weight_kernel *found = NULL;
    assert_true(weight_kernels_read(&shipped, &error));
    assert_true(shipped.count > 0);
    assert_true(weight_kernel_find(&shipped, "bf16", &gpu, &found, &error));
    assert_near(found->read, 1, 0);
    assert_near(found->batch, 1, 0);
    assert_near(found->compute, 1, 0);
    for (uint32_t i = 0; i < shipped.count; i++) {
        const struct weight_precision *precision = NULL;
        assert_true(weight_precision_find(shipped.kernels[i].weights, &precision, &error));
        assert_true(weight_kernel_find(&shipped, precision->name, &gpu, &found, &error));
    }
    weight_kernels_clear(&shipped);
    assert_int_equal(shipped.count, 0);
    assert_null(shipped.kernels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_of_capabilities),
        cmocka_unit_test(test_capability_must_be_known),
        cmocka_unit_test(test_shipped_kernels),
    };
    return cmocka_run_group_tests_name("weight_kernel", tests, NULL, NULL);
}
