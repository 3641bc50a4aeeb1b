/* Kernels for 4-bit weights. INT4: value = (q - 8) * scale, a scale for every 128 inputs of a row.
 * NF4: value = a level of the normal distribution (Dettmers et al., 2023, appendix E) * scale, for
 * every 64. They lie in units of 32 rows by 128 columns, a unit's scales behind its numbers, so
 * that a kernel reads one stream. */
#ifndef PROFILER_LINEAR_4BIT_H
#define PROFILER_LINEAR_4BIT_H

#include <vector>

#include "profiler/linear.h"

enum { FOUR_BIT_MOST_TOKENS = 32 /* of our kernel at a time */ };

/* Inputs that share a scale. */
int four_bit_group(weight_type type);

/* Bytes of n by k weights with their scales; n a multiple of 32, k of 128. */
size_t four_bit_bytes(weight_type type, int n, int k);

/* Random numbers, and scales within +-scale. */
void four_bit_fill(struct linear *linear, float scale, uint64_t seed, cudaStream_t stream);

/* At most 32 tokens. The launch may overlap the kernel before it: it
 * fetches weights at once and reads x when that one is done. */
void four_bit_multiply(const struct linear *linear, const bf16 *x, bf16 *y, int tokens,
                       cudaStream_t stream);

/* Rows first_row to first_row + rows - 1 (multiples of 32) as bf16, [rows][k]. */
void four_bit_dequantize(const struct linear *linear, bf16 *out, int first_row, int rows,
                         cudaStream_t stream);

/* All weights as numbers, [n][k], on the CPU. */
std::vector<float> four_bit_values(const struct linear *linear);

#endif
