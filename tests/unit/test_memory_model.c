#include "tests/unit/check.h"

#include <math.h>

#include "calibration/measured_run.h"
#include "sim/hardware/memory_model.h"
#include "sim/hardware/model_catalog.h"

static struct model_catalog models;
static struct gpu_catalog gpus;

static int set_up(void **state)
{
    (void)state;
    struct error error;
    return model_catalog_read(&models, &error) && gpu_catalog_read(&gpus, &error) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    model_catalog_clear(&models);
    gpu_catalog_clear(&gpus);
    return 0;
}

/* The pool of every measured start, within 0.1 %. */
static void test_blocks_of_measured_runs(void **state)
{
    (void)state;
    static const char *const runs[] = {"qwen7b-bf16",      "qwen7b-kvfp8",    "qwen7b-gptq4",
                                       "qwen14b-bf16",     "qwen14b-fp8",     "qwen14b-gptq4",
                                       "qwen14b-bf16-tp2", "qwen32b-bf16-tp2"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        char relative[128];
        struct measured_run run;
        struct error error;
        struct model_shape shape;
        struct gpu gpu;
        struct memory_plan plan;
        snprintf(relative, sizeof relative, "calibration/measured/%s", runs[i]);
        assert_true(measured_run_read(&run, source_path(relative), &error));
        const struct measured_engine *engine = &run.engine;
        assert_true(model_catalog_find(&models, engine->model, &shape, &error));
        assert_true(gpu_catalog_find(&gpus, engine->gpu, &gpu, &error));
        struct memory_settings settings = {.tensor_parallel = engine->tensor_parallel,
                                           .gpu_memory_utilization = engine->gpu_memory_utilization,
                                           .block_tokens = engine->block_tokens,
                                           .max_batch_tokens = engine->max_batch_tokens,
                                           .max_batch_requests = engine->max_batch_requests,
                                           .without_multicast = true};
        assert_true(weight_precision_find(engine->weights, &settings.weights, &error));
        assert_true(kv_precision_find(engine->kv_cache, &settings.kv, &error));
        assert_true(memory_model_plan(&shape, &gpu, &settings, &plan, &error));
        double error_pct = 100 * fabs((double)plan.num_blocks / engine->num_blocks - 1);
        if (error_pct > 0.1) {
            fail_msg("%s: %u blocks derived, %u measured", runs[i], plan.num_blocks,
                     engine->num_blocks);
        }
        measured_run_clear(&run);
    }
}

static void test_memory_errors(void **state)
{
    (void)state;
    struct model_shape shape;
    struct gpu gpu;
    struct memory_plan plan;
    struct error error;
    struct memory_settings settings = {.weights = &weight_precisions[0],
                                       .kv = &kv_precisions[0],
                                       .tensor_parallel = 1,
                                       .gpu_memory_utilization = 0.9,
                                       .block_tokens = 16,
                                       .max_batch_tokens = 2048,
                                       .max_batch_requests = 128};
    assert_true(model_catalog_find(&models, "Llama-3.3-70B-Instruct", &shape, &error));
    assert_true(gpu_catalog_find(&gpus, "RTX 4090", &gpu, &error));
    assert_false(memory_model_plan(&shape, &gpu, &settings, &plan, &error));
    assert_contains(error.message, "does not fit");
    settings.tensor_parallel = 3;
    assert_false(memory_model_plan(&shape, &gpu, &settings, &plan, &error));
    assert_contains(error.message, "do not divide evenly");
    settings.tensor_parallel = 1;
    assert_true(gpu_catalog_find(&gpus, "A100-PCIE-40GB", &gpu, &error));
    settings.weights = &weight_precisions[1];
    assert_false(memory_model_plan(&shape, &gpu, &settings, &plan, &error));
    assert_contains(error.message, "no FP8 units");
}

static struct memory_plan plan_of(const char *model, const char *gpu_name,
                                  const struct memory_settings *settings)
{
    struct model_shape shape;
    struct gpu gpu;
    struct memory_plan plan;
    struct error error;
    assert_true(model_catalog_find(&models, model, &shape, &error));
    assert_true(gpu_catalog_find(&gpus, gpu_name, &gpu, &error));
    if (!memory_model_plan(&shape, &gpu, settings, &plan, &error)) {
        fail_msg("%s", error.message);
    }
    return plan;
}

static struct memory_settings settings_of(const char *engine)
{
    return (struct memory_settings){.weights = &weight_precisions[0],
                                    .kv = &kv_precisions[0],
                                    .tensor_parallel = 1,
                                    .gpu_memory_utilization = 0.9,
                                    .block_tokens = 16,
                                    .max_batch_tokens = 8192,
                                    .max_batch_requests = 1024,
                                    .rule = memory_rule_find(engine)};
}

/* Fewer KV heads than GPUs are copied. */
static void test_copied_kv_heads(void **state)
{
    (void)state;
    struct memory_settings settings = settings_of("vllm-0.24");
    settings.tensor_parallel = 4;
    struct memory_plan plan = plan_of("Qwen2.5-Math-1.5B", "H100-SXM", &settings);
    assert_near(plan.block_bytes, 2.0 * 16 * 28 * 128 * 2, 0);
}

/* The engine's version decides what is taken off: samplers, graphs, what is counted at all. */
static void test_rules_by_version(void **state)
{
    (void)state;
    struct memory_settings old = settings_of("vllm 0.16.0");
    struct memory_settings lean = settings_of("vllm 0.19.0");
    struct memory_settings graphs = settings_of("vllm-0.24");
    double old_gib = plan_of("Qwen3-8B", "H100-SXM", &old).reserve_gib;
    double lean_gib = plan_of("Qwen3-8B", "H100-SXM", &lean).reserve_gib;
    double graphs_gib = plan_of("Qwen3-8B", "H100-SXM", &graphs).reserve_gib;
    assert_near(old_gib, 0.25 + 1024.0 * 151936 * 25 / 1073741824, 0.001);
    assert_near(lean_gib, 2.46, 0.03); /* as logged */
    assert_near(graphs_gib - lean_gib, -0.283 + 36 * 0.00275 + 0.235 * 4, 0.001);
    assert_ptr_equal(memory_rule_find("vllm-v0"), memory_rule_find("vllm-0.8"));
    assert_ptr_equal(memory_rule_find("orca"), memory_rule_find("vllm-0.24"));
    assert_ptr_equal(memory_rule_find("vllm"), memory_rule_find("vllm 0.24.1"));
    const struct memory_rule *rule = NULL;
    struct error error;
    assert_true(memory_rule_of_version("vllm-0.24", "0.19", &rule, &error));
    assert_ptr_equal(rule, memory_rule_find("vllm 0.19.0"));
    assert_true(memory_rule_of_version("vllm-0.24", "", &rule, &error));
    assert_ptr_equal(rule, memory_rule_find("vllm-0.24"));
    assert_false(memory_rule_of_version("vllm-0.24", "latest", &rule, &error));
    assert_contains(error.message, "'engine.version' must be a version such as 0.19.0, got");
}

/* Starts of vLLM 0.24 on an H200 under the limits of 'vllm serve', with few seats, and with n-gram
 * drafts, whose sampling takes twice the memory. */
static void test_other_limits(void **state)
{
    (void)state;
    static const struct {
        uint32_t requests;
        uint32_t draft_tokens;
        double blocks;
    } known[] = {{1024, 0, 127036}, {32, 0, 128778}, {1024, 4, 124420}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct memory_settings settings = settings_of("vllm-0.24");
        settings.max_batch_requests = known[i].requests;
        settings.draft_tokens = known[i].draft_tokens;
        struct memory_plan plan = plan_of("Qwen2.5-7B-Instruct", "H200-SXM", &settings);
        assert_near(plan.num_blocks / known[i].blocks, 1, 0.003);
    }
}

/* Pools of SGLang 0.5 on H100 as published: tokens with one, two and eight GPUs. */
static void test_sglang(void **state)
{
    (void)state;
    struct memory_settings settings = settings_of("sglang-0.4.6");
    settings.block_tokens = 1;
    settings.gpu_memory_utilization = 0.88;
    assert_near(plan_of("Qwen3-14B", "H100-SXM", &settings).num_blocks, 273796, 273796 * 0.01);
    settings.gpu_memory_utilization = 0.9;
    settings.tensor_parallel = 2;
    assert_near(plan_of("Qwen3-32B", "H100-SXM", &settings).num_blocks, 317449, 317449 * 0.01);
    settings.tensor_parallel = 8;
    assert_near(plan_of("Qwen3-32B", "H100-SXM", &settings).num_blocks, 2019386, 2019386 * 0.01);
}

/* A 24 GB RTX 4090 keeps about 1.15 GiB beside weights and pool (LLMServingSim's vLLM 0.19: 2588
 * blocks). */
static void test_small_gpu(void **state)
{
    (void)state;
    struct memory_settings settings = settings_of("vllm 0.19.0");
    settings.max_batch_tokens = 2048;
    settings.max_batch_requests = 256;
    struct memory_plan plan = plan_of("Llama-3.1-8B", "RTX 4090", &settings);
    assert_near(plan.num_blocks, 2588, 2588 * 0.03);
}

/* What is split among GPUs shrinks with them; buffers for multicast come with NVLink on Hopper. */
static void test_degrees(void **state)
{
    (void)state;
    struct memory_settings one = settings_of("vllm 0.19.0");
    struct memory_settings two = one;
    struct memory_settings without = one;
    two.tensor_parallel = 2;
    without.tensor_parallel = 2;
    without.without_multicast = true;
    double one_gib = plan_of("CodeLlama-7B", "H100-SXM", &one).reserve_gib;
    double two_gib = plan_of("CodeLlama-7B", "H100-SXM", &two).reserve_gib;
    double without_gib = plan_of("CodeLlama-7B", "H100-SXM", &without).reserve_gib;
    assert_near(two_gib - without_gib, 1.82, 1e-9);
    assert_true(without_gib <= one_gib);
    double pcie_gib = plan_of("CodeLlama-7B", "A100-PCIE-80GB", &two).reserve_gib;
    assert_near(pcie_gib, without_gib, 1e-9);
}

/* SGLang keeps more for activations on more GPUs, and so many MiB on the largest. */
static void test_share_unless_told(void **state)
{
    (void)state;
    struct gpu gpu;
    struct error error;
    const struct memory_rule *sglang = memory_rule_find("sglang-0.4.6");
    assert_near(memory_rule_share(memory_rule_find("vllm-0.24"), NULL, 1), 0.92, 1e-12);
    assert_near(memory_rule_share(memory_rule_find("vllm-0.8"), NULL, 1), 0.9, 1e-12);
    assert_near(memory_rule_share(memory_rule_find("tgi"), NULL, 1), 0.9, 1e-12);
    assert_true(gpu_find("H100-SXM", &gpu, &error));
    assert_near(memory_rule_share(sglang, &gpu, 1), 0.88, 1e-12);
    assert_near(memory_rule_share(sglang, &gpu, 4), 0.85, 1e-12);
    assert_true(gpu_find("H200-SXM", &gpu, &error));
    assert_near(memory_rule_share(sglang, &gpu, 4), 0.9074, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_measured_runs),
        cmocka_unit_test(test_memory_errors),
        cmocka_unit_test(test_copied_kv_heads),
        cmocka_unit_test(test_rules_by_version),
        cmocka_unit_test(test_other_limits),
        cmocka_unit_test(test_sglang),
        cmocka_unit_test(test_small_gpu),
        cmocka_unit_test(test_share_unless_told),
        cmocka_unit_test(test_degrees),
    };
    return cmocka_run_group_tests_name("memory_model", tests, set_up, tear_down);
}
