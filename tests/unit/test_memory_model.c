#include "tests/unit/check.h"

#include <math.h>

#include "calibration/measured_run.h"
#include "sim/hardware/memory_model.h"

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

/* The pool of every measured start, derived and not fitted to the run at hand, within 0.5 %. */
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
                                           .max_batch_requests = engine->max_batch_requests};
        assert_true(weight_precision_find(engine->weights, &settings.weights, &error));
        assert_true(kv_precision_find(engine->kv_cache, &settings.kv, &error));
        assert_true(memory_model_plan(&shape, &gpu, &settings, &plan, &error));
        double error_pct = 100 * fabs((double)plan.num_blocks / engine->num_blocks - 1);
        if (error_pct > 0.5) {
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
    struct memory_settings settings = {
        &weight_precisions[0], &kv_precisions[0], 1, 0.9, 16, 2048, 128, NULL};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_measured_runs),
        cmocka_unit_test(test_memory_errors),
    };
    return cmocka_run_group_tests_name("memory_model", tests, set_up, tear_down);
}
