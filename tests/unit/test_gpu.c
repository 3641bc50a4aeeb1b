#include "tests/unit/check.h"

#include "sim/base/text.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_shape.h"

/* Every shipped GPU has the facts that engines and prices rest on. */
static void test_shipped_facts(void **state)
{
    (void)state;
    struct gpu_catalog gpus;
    struct error error;
    assert_true(gpu_catalog_read(&gpus, &error));
    assert_true(gpus.count >= 27);
    for (uint32_t i = 0; i < gpus.count; i++) {
        const struct gpu *gpu = &gpus.gpus[i];
        bool is_amd = text_starts_with(gpu->driver_name, "AMD ");
        bool complete = gpu->visible_mib > 0 && gpu->memory_mib > 0 && gpu->memory_gb_per_s > 0 &&
                        gpu->bf16_tflops > 0 && gpu->sm_count > 0 && gpu->l2_mb > 0 &&
                        gpu->peer_access[0] != '\0' && (gpu->compute_capability > 0) != is_amd;
        if (!complete || gpu->visible_mib > gpu->memory_mib ||
            gpu->visible_mib < 0.9 * gpu->memory_mib) {
            fail_msg("'%s' lacks a fact or sees a strange share of its memory", gpu->name);
        }
    }
    gpu_catalog_clear(&gpus);
}

static void test_visible_memory(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double gib;
    } known[] = {{"H100-SXM", 79.19}, {"H200-SXM", 139.81}, {"L4", 22.05},
                 {"A10", 22.06},      {"T4", 14.56},        {"RTX 4090", 23.52}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct gpu gpu;
        struct error error;
        assert_true(gpu_find(known[i].name, &gpu, &error));
        assert_near(gpu.visible_mib / 1024, known[i].gib, 0.005);
    }
}

static void test_missing_fact(void **state)
{
    (void)state;
    struct gpu gpu;
    struct error error;
    assert_true(gpu_find("B200", &gpu, &error));
    assert_true(gpu_check_fact(&gpu, "sm_count", gpu.sm_count, &error));
    assert_false(gpu_check_fact(&gpu, "sm_count", 0, &error));
    assert_string_equal(error.message, "'sm_count' of GPU 'B200' is not known");
}

static void test_find_names(void **state)
{
    (void)state;
    struct model_shape shape;
    struct gpu gpu;
    struct model_catalog models;
    struct gpu_catalog gpus;
    struct error error;
    assert_true(model_catalog_read(&models, &error) && gpu_catalog_read(&gpus, &error));
    assert_true(model_catalog_find(&models, "r1-distill-qwen-14b", &shape, &error));
    assert_string_equal(shape.name, "DeepSeek-R1-Distill-Qwen-14B");
    assert_true(model_catalog_find(&models, "qwen2.5-1.5b", &shape, &error));
    assert_string_equal(shape.name, "Qwen2.5-Math-1.5B");
    assert_false(model_catalog_find(&models, "DeepSeek-R1-Distill-Qwen-8B", &shape, &error));
    assert_contains(error.message, "did you mean 'DeepSeek-R1-Distill-Qwen-7B'");
    assert_true(gpu_catalog_find(&gpus, "NVIDIA H200", &gpu, &error));
    assert_string_equal(gpu.name, "H200-SXM");
    assert_true(gpu_catalog_find(&gpus, "NVIDIA H100 80GB HBM3", &gpu, &error));
    assert_string_equal(gpu.name, "H100-SXM");
    assert_false(gpu_catalog_find(&gpus, "RTX 409O", &gpu, &error));
    assert_contains(error.message, "did you mean 'RTX 4090'");
    model_catalog_clear(&models);
    gpu_catalog_clear(&gpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_facts),
        cmocka_unit_test(test_visible_memory),
        cmocka_unit_test(test_missing_fact),
        cmocka_unit_test(test_find_names),
    };
    return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
