#include "sim/hardware/precision.h"

#include <stddef.h>

#include "sim/hardware/name_match.h"

/* GPTQ and AWQ with groups of 128: 4 bits a weight, and per group a 16-bit scale and a 4-bit zero.
 * bitsandbytes: a 32-bit scale for every 64 weights. */
const struct weight_precision weight_precisions[] = {
    {.name = "bf16",
     .aliases = "bfloat16|fp16|float16|half|16",
     .summary = "16-bit brain float, as published",
     .linear_bytes = 2,
     .waits_for_new_sizes = true},
    {.name = "fp8",
     .aliases = "fp8-dynamic|fp8_e4m3|w8a8-fp8|fp8-w8a8",
     .summary = "8-bit float, quantized when loaded",
     .linear_bytes = 1,
     .load_reserve_gib = 0.246,
     .needs_fp8_hardware = true},
    {.name = "int8",
     .aliases = "w8a8|int8-w8a8|w8a8-int8",
     .summary = "8-bit integer weights and activations",
     .linear_bytes = 1},
    {.name = "gptq-int4-g128",
     .aliases = "gptq|gptq-int4|gptq_marlin|int4|w4a16|gptq4",
     .summary = "4-bit GPTQ in groups of 128",
     .linear_bytes = 0.5 + 2.5 / 128},
    {.name = "awq-int4-g128",
     .aliases = "awq|awq-int4|awq_marlin|awq4",
     .summary = "4-bit AWQ in groups of 128",
     .linear_bytes = 0.5 + 2.5 / 128},
    {.name = "awq-int4-plain",
     .summary = "4-bit AWQ by vLLM's first kernel, not Marlin",
     .linear_bytes = 0.5 + 2.5 / 128,
     .answers_as = "awq-int4-g128"},
    {.name = "bnb-nf4",
     .aliases = "bitsandbytes|bnb|nf4|bnb-4bit",
     .summary = "4-bit bitsandbytes in blocks of 64",
     .linear_bytes = 0.5 + 4.0 / 64},
    {.name = NULL},
};

const struct kv_precision kv_precisions[] = {
    {.name = "bf16",
     .aliases = "auto|bfloat16|fp16|float16|half|16",
     .summary = "16-bit brain float",
     .bytes = 2},
    {.name = "fp8", .aliases = "fp8_e4m3|e4m3", .summary = "8-bit float, E4M3", .bytes = 1},
    {.name = "fp8-e5m2", .aliases = "e5m2", .summary = "8-bit float, E5M2", .bytes = 1},
    {.name = "int8", .summary = "8-bit integer", .bytes = 1},
    {.name = NULL},
};

static bool match(const char *kind, const struct name_entry *entries, uint32_t count,
                  const char *name, uint32_t *ret_index, struct error *error)
{
    const struct name_catalog names = {.kind = kind,
                                       .hint = " ('kvcast list precisions' names them all)",
                                       .entries = entries,
                                       .count = count};
    return name_match(&names, name, ret_index, error);
}

bool weight_precision_find(const char *name, const struct weight_precision **ret_found,
                           struct error *error)
{
    struct name_entry entries[sizeof weight_precisions / sizeof weight_precisions[0]];
    uint32_t count = 0;
    uint32_t index = 0;
    for (; weight_precisions[count].name != NULL; count++) {
        entries[count] =
            (struct name_entry){weight_precisions[count].name, weight_precisions[count].aliases};
    }
    if (!match("weight precision", entries, count, name, &index, error)) {
        return false;
    }
    *ret_found = &weight_precisions[index];
    return true;
}

const char *weight_precision_answers_as(const char *name)
{
    const struct weight_precision *found = NULL;
    struct error ignored;
    if (!weight_precision_find(name, &found, &ignored)) {
        return name;
    }
    return found->answers_as != NULL ? found->answers_as : found->name;
}

bool kv_precision_find(const char *name, const struct kv_precision **ret_found, struct error *error)
{
    struct name_entry entries[sizeof kv_precisions / sizeof kv_precisions[0]];
    uint32_t count = 0;
    uint32_t index = 0;
    for (; kv_precisions[count].name != NULL; count++) {
        entries[count] =
            (struct name_entry){kv_precisions[count].name, kv_precisions[count].aliases};
    }
    if (!match("KV precision", entries, count, name, &index, error)) {
        return false;
    }
    *ret_found = &kv_precisions[index];
    return true;
}
