#include "tests/unit/check.h"

#include "sim/engines/engine_presets.h"
#include "sim/experiments/launch_command.h"

static void check_command(const char *engine, const char *expected)
{
    const struct engine_preset *preset = NULL;
    struct error error;
    char text[1024];
    assert_true(engine_preset_find(engine, &preset, &error));
    static struct scenario scenario;
    scenario = scenario_default(preset);
    scenario.hardware.tensor_parallel = 2;
    scenario.engine.settings.max_batch_tokens = 4096;
    scenario.engine.settings.max_batch_requests = 200;
    scenario.engine.settings.max_model_len = 20000;
    scenario.engine.settings.prefix_caching = false;
    snprintf(scenario.model.weights, sizeof scenario.model.weights, "fp8");
    snprintf(scenario.model.kv_cache, sizeof scenario.model.kv_cache, "fp8");
    launch_command_write(&scenario, text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_engines(void **state)
{
    (void)state;
    check_command("vllm-0.24",
                  "vllm serve deepseek-ai/DeepSeek-R1-Distill-Qwen-7B --tensor-parallel-size 2 "
                  "--max-num-batched-tokens 4096 --max-num-seqs 200 "
                  "--max-model-len 20000 --quantization fp8 --kv-cache-dtype fp8");
    check_command("vllm-v0",
                  "vllm serve deepseek-ai/DeepSeek-R1-Distill-Qwen-7B --tensor-parallel-size 2 "
                  "--max-num-batched-tokens 4096 --max-num-seqs 200 "
                  "--max-model-len 20000 --quantization fp8 --kv-cache-dtype fp8 "
                  "--no-enable-prefix-caching");
    check_command("sglang-0.4.6",
                  "python3 -m sglang.launch_server --model-path "
                  "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B --tp-size 2 --chunked-prefill-size 4096 "
                  "--max-running-requests 200 --context-length 20000 --quantization fp8 "
                  "--kv-cache-dtype fp8_e4m3 --disable-radix-cache");
    check_command("orca", "");
}

static void check_model(const char *name, const char *weights, uint32_t instances,
                        const char *expected)
{
    const struct engine_preset *preset = NULL;
    struct error error;
    char text[1024];
    assert_true(engine_preset_find("vllm-0.24", &preset, &error));
    static struct scenario scenario;
    scenario = scenario_default(preset);
    scenario.fleet.instances = instances;
    snprintf(scenario.model.name, sizeof scenario.model.name, "%s", name);
    snprintf(scenario.model.weights, sizeof scenario.model.weights, "%s", weights);
    launch_command_write(&scenario, text, sizeof text);
    if (strstr(text, expected) == NULL) {
        fail_msg("'%s' is not in '%s'", expected, text);
    }
}

/* Ids are the catalogue's; where nobody can know which checkpoint is meant, that is said. */
static void test_models(void **state)
{
    (void)state;
    check_model("DeepSeek-R1-Distill-Llama-8B", "bf16", 1,
                "vllm serve deepseek-ai/DeepSeek-R1-Distill-Llama-8B --");
    check_model("QwQ-32B", "fp8", 3, "vllm serve Qwen/QwQ-32B --");
    check_model("QwQ-32B", "fp8", 3, "   # each instance");
    check_model("Qwen/Qwen3-32B-AWQ", "auto", 1, "vllm serve Qwen/Qwen3-32B-AWQ --");
    check_model("QwQ-32B", "awq-int4", 1, "vllm serve MODEL --");
    check_model("QwQ-32B", "awq-int4", 1, "   # MODEL: a checkpoint of Qwen/QwQ-32B in awq-int4");
    check_model("mine/config.json", "bf16", 2,
                "   # each instance; MODEL: a checkpoint of mine/config.json in bf16");
}

/* A server sets by itself what nobody set; what another usage would set is said. */
static void test_limits_of_the_engine(void **state)
{
    (void)state;
    static struct scenario scenario;
    char text[1024];
    scenario = scenario_default(engine_presets[0]);
    launch_command_write(&scenario, text, sizeof text);
    assert_string_equal(text, "vllm serve deepseek-ai/DeepSeek-R1-Distill-Qwen-7B "
                              "--tensor-parallel-size 1");
    scenario.engine.settings.usage = ENGINE_USAGE_LIBRARY;
    scenario.hardware.gpu_memory_utilization = 0.8;
    launch_command_write(&scenario, text, sizeof text);
    assert_contains(text, " --gpu-memory-utilization 0.8 --max-num-batched-tokens 16384 "
                          "--max-num-seqs 1024");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_engines),
                                       cmocka_unit_test(test_models),
                                       cmocka_unit_test(test_limits_of_the_engine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
