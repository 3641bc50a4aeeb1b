#include "sim/hardware/precision.h"

#include <stddef.h>

#include "sim/base/text.h"

/* GPTQ and AWQ with groups of 128: 4 bits a weight, and per group a 16-bit scale and a 4-bit zero.
 * bitsandbytes: a 32-bit scale for every 64 weights. */
const struct weight_precision weight_precisions[] = {
    {.name = "bf16",
     .summary = "16-bit brain float, as published",
     .linear_bytes = 2,
     .waits_for_new_sizes = true},
    {.name = "fp8",
     .summary = "8-bit float, quantized when loaded",
     .linear_bytes = 1,
     .load_reserve_gib = 0.246,
     .needs_fp8_hardware = true},
    {.name = "int8", .summary = "8-bit integer weights and activations", .linear_bytes = 1},
    {.name = "gptq-int4-g128",
     .summary = "4-bit GPTQ in groups of 128",
     .linear_bytes = 0.5 + 2.5 / 128},
    {.name = "awq-int4-g128",
     .summary = "4-bit AWQ in groups of 128",
     .linear_bytes = 0.5 + 2.5 / 128},
    {.name = "awq-int4-plain",
     .summary = "4-bit AWQ by vLLM's first kernel, not Marlin",
     .linear_bytes = 0.5 + 2.5 / 128,
     .answers_as = "awq-int4-g128"},
    {.name = "bnb-nf4",
     .summary = "4-bit bitsandbytes in blocks of 64",
     .linear_bytes = 0.5 + 4.0 / 64},
    {.name = NULL},
};

const struct kv_precision kv_precisions[] = {
    {.name = "bf16", .summary = "16-bit brain float", .bytes = 2},
    {.name = "fp8", .summary = "8-bit float, E4M3", .bytes = 1},
    {.name = "fp8-e5m2", .summary = "8-bit float, E5M2", .bytes = 1},
    {.name = "int8", .summary = "8-bit integer", .bytes = 1},
    {.name = NULL},
};

bool weight_precision_find(const char *name, const struct weight_precision **ret_found,
                           struct error *error)
{
    const char *names[sizeof weight_precisions / sizeof weight_precisions[0]] = {NULL};
    for (size_t i = 0; weight_precisions[i].name != NULL; i++) {
        names[i] = weight_precisions[i].name;
        if (text_equal(name, names[i])) {
            *ret_found = &weight_precisions[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown weight precision", name, names, "");
}

const char *weight_precision_answers_as(const char *name)
{
    const struct weight_precision *found = NULL;
    struct error ignored;
    bool is_known = weight_precision_find(name, &found, &ignored);
    return is_known && found != NULL && found->answers_as != NULL ? found->answers_as : name;
}

bool kv_precision_find(const char *name, const struct kv_precision **ret_found, struct error *error)
{
    const char *names[sizeof kv_precisions / sizeof kv_precisions[0]] = {NULL};
    for (size_t i = 0; kv_precisions[i].name != NULL; i++) {
        names[i] = kv_precisions[i].name;
        if (text_equal(name, names[i])) {
            *ret_found = &kv_precisions[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown KV precision", name, names, "");
}
