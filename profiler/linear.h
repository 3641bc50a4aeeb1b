/* y[t][n] = x[t][k] w[n][k]^T in the weight formats that engines serve. bf16, FP8 (E4M3) and INT8
 * go through cuBLASLt, the latter two with a scale for each row of weights and each token (in the
 * product itself for FP8 of many tokens, else in a kernel after it); 4-bit weights (INT4 with a
 * scale for every 128 inputs, NF4 for every 64) through a kernel of our own for few tokens, and
 * dequantized in slices through cuBLASLt for many. */
#ifndef PROFILER_LINEAR_H
#define PROFILER_LINEAR_H

#include <string>

#include "profiler/device_memory.h"
#include "profiler/elementwise.h"

enum class weight_type { bf16, fp8, int8, int4_g128, nf4 };

/* The type of that name; false when there is none. */
bool weight_type_find(const std::string &name, weight_type *ret_type);
bool weight_type_is_4_bit(weight_type type);

/* Bytes of n by k weights, scales included. */
size_t weight_type_bytes(weight_type type, int n, int k);

struct linear {
    weight_type type = weight_type::bf16;
    int n = 0;
    int k = 0;
    device_memory<bf16> weights;     /* [n][k] */
    device_memory<uint8_t> bytes;    /* FP8 or INT8, [n][k] */
    device_memory<float> row_scales; /* beside them, [n] */
    device_memory<uint8_t> units;    /* 4 bits, in the order of linear_4bit.h */
    device_memory<bf16> bias;        /* [n], or nothing */

    size_t weight_bytes() const
    {
        return weight_type_bytes(type, n, k);
    }
};

/* With random weights of the size that keeps activations near 1. */
void linear_create(struct linear *linear, weight_type type, int n, int k, bool has_bias,
                   uint64_t seed, cudaStream_t stream);

/* What goes into a product: tokens in bf16 and, for FP8 and INT8 weights, quantized. */
struct linear_input {
    const bf16 *x;
    uint8_t *quantized; /* room for tokens * k */
    float *scales;      /* room for tokens */
};

/* cuBLASLt, its workspace, the algorithms chosen so far, room for dequantized slices. */
struct linear_context;
struct linear_context *linear_context_create(void);
void linear_context_destroy(struct linear_context *context);

/* Fills 'quantized' and 'scales' where the weights need them. */
void linear_quantize(const struct linear *linear, const struct linear_input &input, int tokens,
                     cudaStream_t stream);

void linear_run(struct linear_context *context, const struct linear *linear,
                const struct linear_input &input, bf16 *y, int tokens, cudaStream_t stream);

/* There are two ways for FP8 and 4-bit weights; from so many tokens on it is the second: scales in
 * the product, and dequantizing. Set after timing both. */
void linear_context_second_way_from(struct linear_context *context, int tokens);

bool linear_check(struct linear_context *context);

#endif
