#include "sim/hardware/memory_model.h"

#include <math.h>
#include <stddef.h>

#define GIB 1073741824.0
#define MIB 1048576.0

static double larger(double a, double b)
{
    return a > b ? a : b;
}

double memory_model_kv_bytes_per_token(const struct model_shape *shape,
                                       const struct kv_precision *kv)
{
    return 2.0 * shape->num_hidden_layers * shape->num_key_value_heads * shape->head_dim *
           kv->bytes;
}

static double weight_bytes_per_gpu(const struct model_shape *shape,
                                   const struct weight_precision *weights, double degree)
{
    double vocabulary = (double)model_shape_vocabulary_weights(shape);
    double linear = (double)model_shape_linear_weights(shape) * weights->linear_bytes;
    double matrices = linear + 2.0 * vocabulary * (shape->tie_word_embeddings ? 1 : 2);
    return matrices / degree + 2.0 * (double)model_shape_small_weights(shape);
}

/* Peak of activations: the larger of a forward of all budgeted tokens and of sampling all rows. */
static double activation_bytes(const struct model_shape *shape, double tokens, double requests,
                               double degree)
{
    double forward =
        tokens * 2.0 * (3.0 * shape->intermediate_size / degree + 2.0 * shape->hidden_size);
    double sampler = requests * shape->vocab_size * 25.0;
    return larger(forward, sampler);
}

/* Least squares over eight measured starts of vLLM 0.24 on an H200 at 2048 tokens and 128 requests
 * (largest error 0.09 GiB); other limits add the growth of the activation estimate. */
static double reserve_gib(const struct model_shape *shape, const struct memory_settings *settings)
{
    double degree = settings->tensor_parallel;
    double growth =
        activation_bytes(shape, settings->max_batch_tokens, settings->max_batch_requests, degree) -
        activation_bytes(shape, 2048, 128, degree);
    return 1.258 + 0.272 * shape->hidden_size / 1024.0 + settings->weights->load_reserve_gib +
           larger(growth, 0) / GIB;
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
                       const struct memory_settings *settings, struct memory_plan *ret_plan,
                       struct error *error)
{
    const struct weight_precision *weights = settings->weights;
    uint32_t degree = settings->tensor_parallel;
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
    uint32_t heads = model_shape_kv_heads_per_gpu(shape, degree);
    double layer_block_bytes =
        2.0 * settings->block_tokens * heads * shape->head_dim * settings->kv->bytes;
    double total = ceil(gpu->memory_mib * MIB * settings->gpu_memory_utilization);
    plan.weight_gib = weight_bytes_per_gpu(shape, weights, degree) / GIB;
    if (settings->draft != NULL) {
        plan.weight_gib +=
            weight_bytes_per_gpu(settings->draft, &weight_precisions[0], degree) / GIB;
    }
    plan.reserve_gib = reserve_gib(shape, settings);
    plan.block_bytes = layer_block_bytes * shape->num_hidden_layers + draft_block_bytes(settings);
    double available = total - (plan.weight_gib + plan.reserve_gib) * GIB;
    if (available < 2 * plan.block_bytes) {
        return error_set(error,
                         "'%s' in %s does not fit: weights %.1f GiB and reserve %.1f GiB of "
                         "%.1f GiB usable on each of %u '%s'",
                         shape->name, weights->name, plan.weight_gib, plan.reserve_gib, total / GIB,
                         degree, gpu->name);
    }
    plan.num_blocks =
        settings->draft != NULL
            ? (uint32_t)(available / plan.block_bytes)
            : (uint32_t)(floor(available / layer_block_bytes) / shape->num_hidden_layers);
    plan.kv_gib = plan.num_blocks * plan.block_bytes / GIB;
    *ret_plan = plan;
    return true;
}
