/* How much of a GPU's memory is left for the KV cache, in blocks, as an engine counts it. */
#ifndef SIM_HARDWARE_MEMORY_MODEL_H
#define SIM_HARDWARE_MEMORY_MODEL_H

#include "sim/base/error.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/memory_rule.h"
#include "sim/hardware/model_shape.h"
#include "sim/hardware/precision.h"

struct memory_settings {
    const struct weight_precision *weights;
    const struct kv_precision *kv;
    uint32_t tensor_parallel;
    double gpu_memory_utilization;
    uint32_t block_tokens;
    uint32_t max_batch_tokens;
    uint32_t max_batch_requests;
    const struct model_shape *draft; /* drafts for speculation beside it, in bf16; or NULL */
    uint32_t draft_tokens;           /* verified with each token; 0: no speculation */
    const struct memory_rule *rule;  /* of the engine; NULL: vLLM 0.24's */
    bool without_multicast;          /* NCCL_NVLS_ENABLE=0: no buffers for NVLink multicast */
};

struct memory_plan {
    double weight_gib;   /* per GPU */
    double reserve_gib;  /* activations, graphs, workspaces: per GPU */
    double kv_gib;       /* per GPU */
    double block_bytes;  /* of one block on one GPU, all layers */
    uint32_t num_blocks; /* the engine's number: one of them is its null block */
};

/* Divides the memory of each GPU. Errors: a degree that does not divide the heads, weights that do
 * not fit, a format the GPU cannot run. */
MUST_CHECK bool memory_model_plan(const struct model_shape *shape, const struct gpu *gpu,
                                  const struct memory_settings *settings,
                                  struct memory_plan *ret_plan, struct error *error);

/* Bytes of KV that one token takes, over all layers and all GPUs. */
double memory_model_kv_bytes_per_token(const struct model_shape *shape,
                                       const struct kv_precision *kv);

#endif
