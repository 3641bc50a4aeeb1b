/* y[t][n] = x[t][k] w[n][k]^T in the weight formats that engines serve: bf16 and FP8 (E4M3, one
 * scale) through cuBLASLt, INT4 with a scale for every 128 inputs through a kernel of our own for
 * few tokens and dequantized slices through cuBLASLt for many. */
#ifndef PROFILER_LINEAR_H
#define PROFILER_LINEAR_H

#include "profiler/device_memory.h"
#include "profiler/elementwise.h"

enum class weight_type { bf16, fp8, int4_g128 };

enum { INT4_GROUP = 128, INT4_MOST_TOKENS = 64 /* of our kernel */ };

struct linear {
    weight_type type = weight_type::bf16;
    int n = 0;
    int k = 0;
    device_memory<bf16> weights;      /* [n][k] */
    device_memory<__nv_fp8_e4m3> fp8; /* [n][k] */
    device_memory<uint32_t> packed;   /* in the order of int4 kernels, [n / 16][k / 64][32][4] */
    device_memory<bf16> scales;       /* [k / 128][n] */
    device_memory<bf16> bias;         /* [n], or nothing */

    size_t weight_bytes() const;
};

/* With random weights of the size that keeps activations near 1. */
void linear_create(struct linear *linear, weight_type type, int n, int k, bool has_bias,
                   uint64_t seed, cudaStream_t stream);

/* cuBLASLt, its workspace, the algorithms chosen so far, room for dequantized slices. */
struct linear_context;
struct linear_context *linear_context_create(void);
void linear_context_destroy(struct linear_context *context);

/* 'x8' is x / 1 in FP8 for FP8 weights, else not used. */
void linear_run(struct linear_context *context, const struct linear *linear, const bf16 *x,
                const __nv_fp8_e4m3 *x8, bf16 *y, int tokens, cudaStream_t stream);

/* From so many tokens on INT4 weights are dequantized; below, our kernel takes 64 tokens at a time.
 * Set after timing both. */
void linear_context_dequantize_from(struct linear_context *context, int tokens);

bool linear_check(struct linear_context *context);

#endif
