/* Quantization of activations as engines do it while they run: each token by its own largest value.
 */
#ifndef PROFILER_QUANTIZE_H
#define PROFILER_QUANTIZE_H

#include "profiler/elementwise.h"

/* quantized[t][i] = x[t][i] / scales[t], so that a row's largest value becomes the format's (448 of
 * E4M3, 127 of INT8). 'width' is a multiple of 8. */
void quantize_rows_fp8(const bf16 *x, __nv_fp8_e4m3 *quantized, float *scales, int tokens,
                       int width, cudaStream_t stream);
void quantize_rows_int8(const bf16 *x, int8_t *quantized, float *scales, int tokens, int width,
                        cudaStream_t stream);

/* y[t][n] = sums[t][n] * token_scales[t] * row_scales[n] + bias[n] (unless bias is NULL); y may be
 * the sums. */
void scale_sums_int8(const int32_t *sums, const float *token_scales, const float *row_scales,
                     const bf16 *bias, bf16 *y, int tokens, int n, cudaStream_t stream);
void scale_sums_fp8(const bf16 *sums, const float *token_scales, const float *row_scales,
                    const bf16 *bias, bf16 *y, int tokens, int n, cudaStream_t stream);

bool quantize_check(void);

#endif
