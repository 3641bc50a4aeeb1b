#include "tests/unit/check.h"

#include <math.h>

#include "calibration/measured_run.h"
#include "sim/hardware/memory_model.h"
#include "sim/pricing/all_reduce.h"

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

/* Parameter counts of the model cards' shapes, computed independently. */
static void test_weights_by_shape(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t weights;
    } known[] = {{"DeepSeek-R1-Distill-Qwen-1.5B", 1777088000},
                 {"DeepSeek-R1-Distill-Qwen-7B", 7615616512},
                 {"DeepSeek-R1-Distill-Llama-70B", 70553706496},
                 {"Qwen2.5-Math-1.5B", 1543714304},
                 {"Qwen3-8B", 8190735360},
                 {"Qwen3-32B", 32762123264}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape;
        struct error error;
        assert_true(model_catalog_find(&models, known[i].name, &shape, &error));
        assert_true(model_shape_weights(&shape) == known[i].weights);
    }
}

static void test_find_names(void **state)
{
    (void)state;
    struct model_shape shape;
    struct gpu gpu;
    struct error error;
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
}

static void test_reads_config_json(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    const char *path = temporary_file(
        "config.json",
        "{\"model_type\": \"qwen2\", \"hidden_size\": 3584, \"num_hidden_layers\": 28,"
        "\"num_attention_heads\": 28, \"num_key_value_heads\": 4, \"intermediate_size\": 18944,"
        "\"vocab_size\": 152064, \"max_position_embeddings\": 131072, \"rope_theta\": 10000.0,"
        "\"tie_word_embeddings\": false}");
    assert_true(model_catalog_find(&models, path, &shape, &error));
    assert_int_equal(shape.head_dim, 128);
    assert_true(model_shape_weights(&shape) == 7615616512);
    unlink(path);
    path = temporary_file("config.json", "{\"hidden_size\": -1}");
    assert_false(model_catalog_find(&models, path, &shape, &error));
    assert_contains(error.message, "'hidden_size' must be a whole number");
    unlink(path);
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

static void test_all_reduces(void **state)
{
    (void)state;
    struct gpu linked;
    struct gpu pcie;
    struct error error;
    assert_true(gpu_find("H200-SXM", &linked, &error));
    assert_true(gpu_find("RTX 4090", &pcie, &error));
    assert_near(all_reduce_us(&linked, 1, 1e6), 0, 0);
    assert_near(all_reduce_us(&linked, 2, 8192), 4.64, 1e-6); /* a measured point */
    assert_near(all_reduce_us(&pcie, 4, 65536), 32.2, 1e-6);
    for (double bytes = 100; bytes < 1e9; bytes *= 3) {
        assert_true(all_reduce_us(&pcie, 8, bytes) > all_reduce_us(&linked, 8, bytes));
        assert_true(all_reduce_us(&pcie, 4, bytes) >= all_reduce_us(&pcie, 2, bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_reduces),
        cmocka_unit_test(test_weights_by_shape),
        cmocka_unit_test(test_find_names),
        cmocka_unit_test(test_reads_config_json),
        cmocka_unit_test(test_blocks_of_measured_runs),
        cmocka_unit_test(test_memory_errors),
    };
    return cmocka_run_group_tests_name("hardware", tests, set_up, tear_down);
}
