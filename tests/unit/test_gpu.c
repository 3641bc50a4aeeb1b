#include "tests/unit/check.h"

#include "sim/base/text.h"
#include "sim/hardware/gpu.h"

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

/* Read once: whoever asks again gets the same. */
static void test_shipped_is_read_once(void **state)
{
    (void)state;
    const struct gpu_catalog *first = NULL;
    const struct gpu_catalog *second = NULL;
    struct error error;
    assert_true(gpu_catalog_shipped(&first, &error) && gpu_catalog_shipped(&second, &error));
    assert_true(first->count > 0);
    assert_ptr_equal(first, second);
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

static void assert_found(const struct gpu_catalog *gpus, const char *asked, const char *name)
{
    struct gpu gpu;
    struct error error;
    if (!gpu_catalog_find(gpus, asked, &gpu, &error)) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(gpu.name, name);
}

static void test_find_names(void **state)
{
    (void)state;
    static const char *const ambiguous[] = {"A100", "H100", "A100-80GB", "H100-80GB", "RTX"};
    struct gpu_catalog gpus;
    struct gpu gpu;
    struct error error;
    assert_true(gpu_catalog_read(&gpus, &error));
    assert_found(&gpus, "NVIDIA H200", "H200-SXM");
    assert_found(&gpus, "NVIDIA H100 80GB HBM3", "H100-SXM");
    assert_found(&gpus, "NVIDIA-H100-80GB-HBM3", "H100-SXM");
    assert_found(&gpus, "rtx4090", "RTX 4090");
    assert_found(&gpus, "4090", "RTX 4090");
    assert_found(&gpus, "A10", "A10");
    assert_found(&gpus, "L40", "L40");
    assert_found(&gpus, "GB200 (per GPU)", "GB200");
    for (size_t i = 0; i < sizeof ambiguous / sizeof ambiguous[0]; i++) {
        assert_false(gpu_catalog_find(&gpus, ambiguous[i], &gpu, &error));
        assert_contains(error.message, "fits several, expected one of ");
    }
    assert_false(gpu_catalog_find(&gpus, "A100", &gpu, &error));
    assert_contains(error.message, "A100-PCIE-40GB, A100-SXM-40GB, A100-PCIE-80GB, A100-SXM-80GB");
    assert_false(gpu_catalog_find(&gpus, "RTX 409O", &gpu, &error));
    assert_contains(error.message, "did you mean 'RTX 4090'");
    gpu_catalog_clear(&gpus);
}

static void test_reads_own_file(void **state)
{
    (void)state;
    struct gpu gpu;
    struct error error;
    const char *path =
        temporary_file("gpu.json", "{\"name\": \"mine\", \"visible_mib\": 40000,"
                                   "\"memory_gb_per_s\": 1000, \"peer_access\": \"pcie\"}");
    assert_true(gpu_find(path, &gpu, &error));
    assert_string_equal(gpu.name, "mine");
    assert_near(gpu.visible_mib, 40000, 0);
    unlink(path);
    path = temporary_file("gpu.json", "{\"name\": \"mine\", \"memory_mib\": 49152}");
    assert_true(gpu_find(path, &gpu, &error));
    assert_near(gpu_visible_mib(&gpu), 48552, 0);
    unlink(path);
    path = temporary_file("gpu.json", "{\"name\": \"mine\"}");
    assert_false(gpu_find(path, &gpu, &error));
    assert_contains(error.message, "gpu.json: 'visible_mib' of GPU 'mine' is not known");
    unlink(path);
    path = temporary_file("gpu.json", "{\"name\": \"mine\", \"memory\": 1}");
    assert_false(gpu_find(path, &gpu, &error));
    assert_contains(error.message, "unknown key 'memory'");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_facts),  cmocka_unit_test(test_visible_memory),
        cmocka_unit_test(test_missing_fact),   cmocka_unit_test(test_find_names),
        cmocka_unit_test(test_reads_own_file), cmocka_unit_test(test_shipped_is_read_once),
    };
    return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
