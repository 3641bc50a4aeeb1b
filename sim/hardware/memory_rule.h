/* How an engine divides a GPU's memory when it starts, by version: what it counts and how much
 * each part takes. Facts with their sources, in memory_rule.c. */
#ifndef SIM_HARDWARE_MEMORY_RULE_H
#define SIM_HARDWARE_MEMORY_RULE_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/hardware/gpu.h"

enum pool_rule {
    POOL_OF_SHARE, /* a share of the memory seen, less weights, activations and the rest (vLLM) */
    POOL_OF_REST   /* what loading left free, less the complement of that share (SGLang) */
};

struct memory_rule {
    const char *engine;
    uint32_t since; /* minor version from which it holds: 17 for 0.17 */
    enum pool_rule pool;
    double share;                /* of the memory that is used unless told; 0: by GPU (SGLang) */
    double sampler_bytes;        /* for each row and entry of the vocabulary */
    bool keeps_hidden_states;    /* of all budgeted tokens, beside the sampler */
    double activation_floor_gib; /* least peak of a start, whatever its limits */
    bool counts_graphs;          /* CUDA graphs are taken off the pool */
    bool counts_load_reserve;    /* what quantizing on load leaves behind is too */
    bool groups_windows;         /* layers with windows have block pools of their own */
};

/* The rule of "vllm-0.24", "vllm 0.19.0", "vllm-v0" or "sglang-0.4.6"; other engines, which are
 * simulated from papers, divide memory as vLLM 0.24 does. Never NULL. */
const struct memory_rule *memory_rule_find(const char *engine);

/* Share of the GPU's memory that the engine uses unless told, on so many GPUs. */
double memory_rule_share(const struct memory_rule *rule, const struct gpu *gpu,
                         uint32_t tensor_parallel);

/* The rule of another version ("0.19", "0.19.0") of the engine of 'preset'; "" is its own. */
MUST_CHECK bool memory_rule_of_version(const char *preset, const char *version,
                                       const struct memory_rule **ret_rule, struct error *error);

#endif
