#include "sim/hardware/memory_rule.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

enum { VLLM_V0_MINOR = 7, DEFAULT_MINOR = 24 };

/* Fitted to start-up logs (tests/unit/data/kv_pools.csv): the sampler takes 25 bytes up to vLLM
 * 0.16 and 15 from 0.17, where the hidden states of the profiled tokens lie beside it and no start
 * peaks below 0.77 GiB; CUDA graphs are estimated and taken off from 0.21. SGLang's pool follows
 * from its sources (0.4.6: model_runner.py) and 27 logged pools of SGLang 0.5 on H100. TGI keeps a
 * tenth of the memory as its wiggle room (flash_causal_lm.py); what else it takes is vLLM's. The
 * latest version comes first. */
static const struct memory_rule rules[] = {
    {.engine = "vllm",
     .since = 21,
     .share = 0.92,
     .sampler_bytes = 15,
     .keeps_hidden_states = true,
     .activation_floor_gib = 0.77,
     .counts_graphs = true,
     .counts_load_reserve = true,
     .groups_windows = true},
    {.engine = "vllm",
     .since = 17,
     .share = 0.9,
     .sampler_bytes = 15,
     .keeps_hidden_states = true,
     .activation_floor_gib = 0.77,
     .groups_windows = true},
    {.engine = "vllm", .since = 10, .share = 0.9, .sampler_bytes = 25, .groups_windows = true},
    {.engine = "vllm", .share = 0.9, .sampler_bytes = 25},
    {.engine = "sglang", .pool = POOL_OF_REST},
    {.engine = "tgi",
     .share = 0.9,
     .sampler_bytes = 15,
     .keeps_hidden_states = true,
     .activation_floor_gib = 0.77,
     .counts_graphs = true,
     .counts_load_reserve = true,
     .groups_windows = true},
};

/* The minor version in "0.19.0", "~0.11" or "v0". */
static uint32_t minor_of(const char *version)
{
    if (text_starts_with(version, "v0")) {
        return VLLM_V0_MINOR;
    }
    const char *point = strchr(version, '.');
    long minor = point != NULL ? strtol(point + 1, NULL, 10) : DEFAULT_MINOR;
    return minor >= 0 && minor < 1000 ? (uint32_t)minor : DEFAULT_MINOR;
}

const struct memory_rule *memory_rule_find(const char *engine)
{
    assert(engine != NULL);
    size_t length = strcspn(engine, "- ");
    const char *version = engine + length + (engine[length] != '\0');
    uint32_t minor = minor_of(version);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strlen(rules[i].engine) == length && strncmp(rules[i].engine, engine, length) == 0 &&
            minor >= rules[i].since) {
            return &rules[i];
        }
    }
    return &rules[0];
}

/* server_args.py:__post_init__ of SGLang 0.4.6: what must be left for activations and graphs. */
static double sglang_share(const struct gpu *gpu, uint32_t tensor_parallel)
{
    enum { LARGE_MIB = 81920, KEPT_MIB = 13312 };
    if (gpu->memory_mib > LARGE_MIB) {
        return (gpu->memory_mib - KEPT_MIB) / gpu->memory_mib;
    }
    return tensor_parallel >= 16  ? 0.79
           : tensor_parallel >= 8 ? 0.81
           : tensor_parallel >= 4 ? 0.85
           : tensor_parallel >= 2 ? 0.87
                                  : 0.88;
}

double memory_rule_share(const struct memory_rule *rule, const struct gpu *gpu,
                         uint32_t tensor_parallel)
{
    assert(tensor_parallel > 0);
    return rule->share > 0 ? rule->share : sglang_share(gpu, tensor_parallel);
}

/* Two or three numbers with points between. */
static bool is_version(const char *text)
{
    uint32_t numbers = 0;
    do {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 4) {
            return false;
        }
        numbers++;
        text += digits;
    } while (*text++ == '.');
    return text[-1] == '\0' && (numbers == 2 || numbers == 3);
}

bool memory_rule_of_version(const char *preset, const char *version,
                            const struct memory_rule **ret_rule, struct error *error)
{
    char engine[64];
    assert(preset != NULL && version != NULL && ret_rule != NULL);
    *ret_rule = memory_rule_find(preset);
    if (*version == '\0') {
        return true;
    }
    if (!is_version(version)) {
        return error_set(error, "'engine.version' must be a version such as 0.19.0, got '%.40s'",
                         version);
    }
    snprintf(engine, sizeof engine, "%.*s-%.20s", (int)strcspn(preset, "-"), preset, version);
    *ret_rule = memory_rule_find(engine);
    return true;
}
