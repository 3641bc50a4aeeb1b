#include "sim/hardware/memory_model.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "sim/base/text.h"

/* Numbers of blocks, and of tokens in them, are counted in 32 and 64 bits. */
#define MAX_BLOCKS 2147483647.0

#define GIB 1073741824.0
#define MIB 1048576.0

/* From start-up logs; tests/unit/data/kv_pools.csv has them. */
#define KERNELS_GIB 0.25      /* beside activations, on one GPU (vLLM 0.19: 0.24 to 0.27) */
#define MULTICAST_GIB 1.82    /* more on two and four H100 with NVLink (vLLM 0.19: 2.06 to 2.13) */
#define CUDA_CONTEXT_GIB 0.44 /* gone before SGLang counts (pools of SGLang 0.5 on one H100) */
#define MIN_GRAPH_GIB 0.1
#define OTHER_GRAPHS_SHARE 0.45
#define FULL_GRAPHS 35 /* more than that share their memory */

double memory_model_kv_bytes_per_token(const struct model_shape *shape,
                                       const struct kv_precision *kv)
{
    return 2.0 * shape->num_hidden_layers * shape->num_key_value_heads * shape->head_dim *
           kv->bytes;
}

/* Engines fill the vocabulary up to a multiple of 64. */
static double padded_vocabulary(const struct model_shape *shape)
{
    return ceil(shape->vocab_size / 64.0) * 64;
}

static double weight_bytes_per_gpu(const struct model_shape *shape,
                                   const struct weight_precision *weights, double degree)
{
    const struct checkpoint_format *checkpoint = &shape->checkpoint;
    bool as_published =
        checkpoint->linear_bytes > 0 && text_equal(checkpoint->weights, weights->name);
    double linear_bytes = as_published ? checkpoint->linear_bytes : weights->linear_bytes;
    double vocabulary = padded_vocabulary(shape) * shape->hidden_size;
    double split = (double)model_shape_linear_weights(shape) * linear_bytes +
                   2.0 * vocabulary * (shape->tie_word_embeddings ? 1 : 2) +
                   2.0 * (double)shape->vision_weights;
    return split / degree + 2.0 * (double)shape->small_weights + (double)shape->rotary_bytes;
}

/* Peak of activations: the larger of a forward of all budgeted tokens and of sampling all rows.
 * With speculation, drafts and targets are sampled from side by side (a measured start with n-gram
 * drafts, vLLM 0.24). */
static double activation_bytes(const struct model_shape *shape,
                               const struct memory_settings *settings)
{
    const struct memory_rule *rule = settings->rule;
    double tokens = settings->max_batch_tokens;
    double mlp = (double)shape->mlp_matrices * shape->intermediate_size / settings->tensor_parallel;
    double forward = tokens * 2.0 * (mlp + 4.0 * shape->hidden_size);
    double sampler = (double)settings->max_batch_requests * padded_vocabulary(shape) *
                     rule->sampler_bytes * (settings->draft_tokens > 0 ? 2 : 1);
    if (rule->keeps_hidden_states) {
        sampler += tokens * 2.0 * shape->hidden_size;
    }
    return fmax(rule->activation_floor_gib * GIB, fmax(forward, sampler));
}

/* Graphs are captured for 1, 2, 4, each 8th size up to 256 and each 16th up to 512, up to twice as
 * many tokens as requests. */
static double captured_graphs(double requests)
{
    double largest = fmin(2 * requests, 512);
    return fmin(largest, 3) + floor(fmin(largest, 256) / 8) + floor(fmax(largest - 256, 0) / 16);
}

/* Fitted to eight measured starts of vLLM 0.24 on H200 (0.62 GiB for 28 layers of 3584, 1.0 and 1.1
 * for 48 and 64 of 5120); what logs of L40S, L4 and RTX 4090 leave for graphs is 0.45 of it. */
static double graph_gib(const struct model_shape *shape, const struct gpu *gpu,
                        const struct memory_settings *settings)
{
    bool is_hopper_or_b200 = gpu->compute_capability >= 9 && gpu->compute_capability < 12;
    double all_gib =
        -0.283 + 0.00275 * shape->num_hidden_layers + 0.235 * shape->hidden_size / 1024.0;
    double share = fmin(1, captured_graphs(settings->max_batch_requests) / FULL_GRAPHS);
    return settings->rule->counts_graphs
               ? fmax(all_gib, MIN_GRAPH_GIB) * share * (is_hopper_or_b200 ? 1 : OTHER_GRAPHS_SHARE)
               : 0;
}

/* What lies outside of the tensor library: the kernels' code, and buffers of NCCL for multicast
 * among GPUs of Hopper and later. */
static double communication_gib(const struct gpu *gpu, const struct memory_settings *settings)
{
    bool multicasts = settings->tensor_parallel > 1 && !settings->without_multicast &&
                      text_equal(gpu->peer_access, GPU_PEER_LINK) && gpu->compute_capability >= 9;
    return multicasts ? MULTICAST_GIB : 0;
}

static double reserve_gib(const struct model_shape *shape, const struct gpu *gpu,
                          const struct memory_settings *settings)
{
    const struct weight_precision *weights = settings->weights;
    bool loads_quantized = text_equal(shape->checkpoint.weights, weights->name);
    double load_gib =
        settings->rule->counts_load_reserve && !loads_quantized ? weights->load_reserve_gib : 0;
    return activation_bytes(shape, settings) / GIB + KERNELS_GIB +
           communication_gib(gpu, settings) + graph_gib(shape, gpu, settings) + load_gib;
}

/* SGLang keeps a share of what is free once the GPUs are connected for what it does not count. */
static double uncounted_gib(const struct gpu *gpu, const struct memory_settings *settings)
{
    double connected =
        gpu_visible_mib(gpu) * MIB / GIB - CUDA_CONTEXT_GIB - communication_gib(gpu, settings);
    double pool_share = settings->gpu_memory_utilization * connected;
    return gpu_visible_mib(gpu) * MIB / GIB * settings->gpu_memory_utilization - pool_share;
}

/* The draft keeps KV of its own for every token. */
static double draft_block_bytes(const struct memory_settings *settings)
{
    const struct model_shape *draft = settings->draft;
    if (draft == NULL) {
        return 0;
    }
    return 2.0 * settings->block_tokens * draft->num_hidden_layers *
           model_shape_kv_heads_per_gpu(draft, settings->tensor_parallel) * draft->head_dim *
           settings->kv->bytes;
}

bool memory_model_plan(const struct model_shape *shape, const struct gpu *gpu,
                       const struct memory_settings *asked, struct memory_plan *ret_plan,
                       struct error *error)
{
    assert(asked->tensor_parallel > 0 && asked->block_tokens > 0);
    struct memory_settings settings = *asked;
    if (settings.rule == NULL) {
        settings.rule = memory_rule_find("vllm-0.24");
    }
    const struct weight_precision *weights = settings.weights;
    uint32_t degree = settings.tensor_parallel;
    if (!gpu_check_fact(gpu, "visible_mib", gpu_visible_mib(gpu), error)) {
        return false;
    }
    if (shape->num_attention_heads % degree != 0) {
        return error_set(error, "'%s' has %u attention heads, which %u GPUs do not divide evenly",
                         shape->name, shape->num_attention_heads, degree);
    }
    if (weights->needs_fp8_hardware && gpu->fp8_tflops <= 0) {
        return error_set(error,
                         "'%s' has no FP8 units, expected another weight precision than '%s'",
                         gpu->name, weights->name);
    }
    struct memory_plan plan = {0};
    uint32_t layers =
        settings.rule->groups_windows ? model_shape_pooled_layers(shape) : shape->num_hidden_layers;
    uint32_t heads = model_shape_kv_heads_per_gpu(shape, degree);
    double layer_block_bytes =
        2.0 * settings.block_tokens * heads * shape->head_dim * settings.kv->bytes;
    double total = ceil(gpu_visible_mib(gpu) * MIB * settings.gpu_memory_utilization);
    plan.weight_gib = weight_bytes_per_gpu(shape, weights, degree) / GIB;
    if (settings.draft != NULL) {
        plan.weight_gib +=
            weight_bytes_per_gpu(settings.draft, &weight_precisions[0], degree) / GIB;
    }
    plan.reserve_gib = settings.rule->pool == POOL_OF_REST ? uncounted_gib(gpu, &settings)
                                                           : reserve_gib(shape, gpu, &settings);
    plan.block_bytes = layer_block_bytes * layers + draft_block_bytes(&settings);
    double available = total - (plan.weight_gib + plan.reserve_gib) * GIB;
    if (available < 2 * plan.block_bytes) {
        return error_set(error,
                         "'%s' in %s does not fit: weights %.1f GiB and reserve %.1f GiB of "
                         "%.1f GiB usable on each of %u '%s'",
                         shape->name, weights->name, plan.weight_gib, plan.reserve_gib, total / GIB,
                         degree, gpu->name);
    }
    double blocks = settings.draft != NULL ? floor(available / plan.block_bytes)
                                           : floor(floor(available / layer_block_bytes) / layers);
    if (blocks > MAX_BLOCKS) {
        return error_set(
            error,
            "'%s': the KV pool would hold %.0f blocks of %u tokens, at most %.0f can be "
            "counted; raise 'engine.block_tokens'",
            shape->name, blocks, settings.block_tokens, MAX_BLOCKS);
    }
    plan.num_blocks = (uint32_t)blocks;
    plan.kv_gib = plan.num_blocks * plan.block_bytes / GIB;
    *ret_plan = plan;
    return true;
}
