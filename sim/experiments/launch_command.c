#include "sim/experiments/launch_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/hardware/precision.h"

struct line {
    char *text;
    size_t bytes;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
    size_t used = strlen(line->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text + used, line->bytes - used, format, arguments);
    va_end(arguments);
}

/* Whose page on the Hugging Face hub a model of the catalogue stands on. */
static const char *owner_of(const char *model)
{
    static const struct {
        const char *start;
        const char *owner;
    } owners[] = {{"DeepSeek-", "deepseek-ai/"}, {"Qwen", "Qwen/"}, {"Llama-", "meta-llama/"}};
    for (size_t i = 0; strchr(model, '/') == NULL && i < sizeof owners / sizeof owners[0]; i++) {
        if (text_starts_with(model, owners[i].start)) {
            return owners[i].owner;
        }
    }
    return "";
}

/* 8-bit floats are made of bf16 weights when the engine starts; other formats are in the
 * checkpoint, from which the engine tells them. */
static bool is_made_at_start(const char *weights)
{
    return text_equal(weights, "fp8");
}

/* Without the flag an engine keeps KV in 16 bits; 'auto' and its like mean the same. */
static bool has_16_bit_kv(const char *kv_cache)
{
    const struct kv_precision *found = NULL;
    struct error ignored;
    return kv_precision_find(kv_cache, &found, &ignored) && found->bytes >= 2;
}

static void write_vllm(const struct scenario *scenario, struct line *line)
{
    const struct engine_settings *engine = &scenario->engine.settings;
    add(line, "vllm serve %s%s --tensor-parallel-size %u --gpu-memory-utilization %g",
        owner_of(scenario->model.name), scenario->model.name, scenario->hardware.tensor_parallel,
        scenario->hardware.gpu_memory_utilization);
    add(line, " --max-num-batched-tokens %u --max-num-seqs %u", engine->max_batch_tokens,
        engine->max_batch_requests);
    if (engine->max_model_len > 0) {
        add(line, " --max-model-len %u", engine->max_model_len);
    }
    if (is_made_at_start(scenario->model.weights)) {
        add(line, " --quantization fp8");
    }
    if (!has_16_bit_kv(scenario->model.kv_cache)) {
        add(line, " --kv-cache-dtype %s",
            text_equal(scenario->model.kv_cache, "fp8-e5m2") ? "fp8_e5m2" : "fp8");
    }
    add(line, engine->prefix_caching ? " --enable-prefix-caching" : " --no-enable-prefix-caching");
}

static void write_sglang(const struct scenario *scenario, struct line *line)
{
    const struct engine_settings *engine = &scenario->engine.settings;
    add(line, "python3 -m sglang.launch_server --model-path %s%s --tp-size %u",
        owner_of(scenario->model.name), scenario->model.name, scenario->hardware.tensor_parallel);
    add(line, " --chunked-prefill-size %u --max-running-requests %u", engine->max_batch_tokens,
        engine->max_batch_requests);
    if (engine->max_model_len > 0) {
        add(line, " --context-length %u", engine->max_model_len);
    }
    if (is_made_at_start(scenario->model.weights)) {
        add(line, " --quantization fp8");
    }
    if (!has_16_bit_kv(scenario->model.kv_cache)) {
        add(line, " --kv-cache-dtype %s",
            text_equal(scenario->model.kv_cache, "fp8-e5m2") ? "fp8_e5m2" : "fp8_e4m3");
    }
    if (!engine->prefix_caching) {
        add(line, " --disable-radix-cache");
    }
}

void launch_command_write(const struct scenario *scenario, char *text, size_t text_bytes)
{
    struct line line = {text, text_bytes};
    text[0] = '\0';
    if (text_starts_with(scenario->engine.name, "vllm-")) {
        write_vllm(scenario, &line);
    } else if (text_starts_with(scenario->engine.name, "sglang-")) {
        write_sglang(scenario, &line);
    }
}
