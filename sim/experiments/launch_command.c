#include "sim/experiments/launch_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_catalog.h"
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

/* 8-bit floats are made of bf16 weights when the engine starts; other formats are in the
 * checkpoint, from which the engine tells them. */
static bool is_made_at_start(const char *weights)
{
    return text_equal(weights, "fp8");
}

/* What to serve, and a remark where no id says it: a checkpoint of one's own, or one of the many
 * that others have quantized. */
struct served {
    char model[320];
    char remark[512];
};

static struct served served_by(const struct scenario *scenario)
{
    struct served served = {.remark = ""};
    const char *name = scenario->model.name;
    const char *weights = scenario->model.weights;
    char id[320];
    bool is_published =
        text_equal(weights, "auto") || text_equal(weights, "bf16") || is_made_at_start(weights);
    bool is_known = model_hub_id(name, id, sizeof id);
    if (is_known && text_equal(weights, "auto") && strchr(name, '/') != NULL) {
        snprintf(served.model, sizeof served.model, "%s", name); /* with its format, if any */
    } else if (is_known && is_published) {
        snprintf(served.model, sizeof served.model, "%s", id);
    } else {
        snprintf(served.model, sizeof served.model, "MODEL");
        snprintf(served.remark, sizeof served.remark, "MODEL: a checkpoint of %s in %s",
                 is_known ? id : name, weights);
    }
    return served;
}

/* Without the flag an engine keeps KV in 16 bits; 'auto' and its like mean the same. */
static bool has_16_bit_kv(const char *kv_cache)
{
    const struct kv_precision *found = NULL;
    struct error ignored;
    return kv_precision_find(kv_cache, &found, &ignored) && found->bytes >= 2;
}

static void add_if_set(struct line *line, const char *flag, double value)
{
    if (value > 0) {
        add(line, " %s %.10g", flag, value);
    }
}

/* What nobody set a server sets by itself, as it is simulated; what another usage would set has to
 * be said. 0: nothing has. */
static struct engine_limits limits_of(const struct scenario *scenario)
{
    const struct engine_settings *engine = &scenario->engine.settings;
    const struct engine_preset *preset = scenario->engine.preset;
    struct engine_limits limits = {.batch_tokens = 0};
    struct gpu gpu;
    struct error ignored;
    if (engine->usage != ENGINE_USAGE_SERVER && preset->start.limits_on != NULL &&
        gpu_find(scenario->hardware.gpu, &gpu, &ignored)) {
        limits = preset->start.limits_on(engine, &gpu);
    }
    if (engine->max_batch_tokens > 0) {
        limits.batch_tokens = engine->max_batch_tokens;
    }
    if (engine->max_batch_requests > 0) {
        limits.batch_requests = engine->max_batch_requests;
    }
    return limits;
}

static void write_vllm(const struct scenario *scenario, const char *model, struct line *line)
{
    const struct engine_settings *engine = &scenario->engine.settings;
    const struct engine_limits limits = limits_of(scenario);
    add(line, "vllm serve %s --tensor-parallel-size %u", model, scenario->hardware.tensor_parallel);
    add_if_set(line, "--gpu-memory-utilization", scenario->hardware.gpu_memory_utilization);
    add_if_set(line, "--max-num-batched-tokens", limits.batch_tokens);
    add_if_set(line, "--max-num-seqs", limits.batch_requests);
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
    if (scenario_is_given(scenario, "engine.prefix_caching") ||
        !scenario->engine.preset->start.caches_prefixes) {
        add(line,
            engine->prefix_caching ? " --enable-prefix-caching" : " --no-enable-prefix-caching");
    }
}

static void write_sglang(const struct scenario *scenario, const char *model, struct line *line)
{
    const struct engine_settings *engine = &scenario->engine.settings;
    add(line, "python3 -m sglang.launch_server --model-path %s --tp-size %u", model,
        scenario->hardware.tensor_parallel);
    add_if_set(line, "--mem-fraction-static", scenario->hardware.gpu_memory_utilization);
    add_if_set(line, "--chunked-prefill-size", engine->max_batch_tokens);
    add_if_set(line, "--max-running-requests", engine->max_batch_requests);
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
    const struct served served = served_by(scenario);
    text[0] = '\0';
    if (text_starts_with(scenario->engine.name, "vllm-")) {
        write_vllm(scenario, served.model, &line);
    } else if (text_starts_with(scenario->engine.name, "sglang-")) {
        write_sglang(scenario, served.model, &line);
    } else {
        return;
    }
    bool is_one_of_many = scenario->fleet.instances > 1;
    if (is_one_of_many || served.remark[0] != '\0') {
        add(&line, "   # %s%s%s", is_one_of_many ? "each instance" : "",
            is_one_of_many && served.remark[0] != '\0' ? "; " : "", served.remark);
    }
}
