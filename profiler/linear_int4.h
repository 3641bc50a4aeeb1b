/* The kernels for INT4 weights: value = (q - 8) * scale, q from 0 to 15. A 32-bit word holds what
 * one lane feeds to one tensor-core step: eight weights of rows g and g + 8. */
#ifndef PROFILER_LINEAR_INT4_H
#define PROFILER_LINEAR_INT4_H

#include "profiler/elementwise.h"

/* At most 64 tokens; n a multiple of 32, k of 128 and at least 1024. */
void int4_multiply(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                   bf16 *y, int tokens, int n, int k, cudaStream_t stream);

/* Rows first_row to first_row + rows - 1 (multiples of 16) as bf16, [rows][k]. */
void int4_dequantize(const uint32_t *packed, const bf16 *scales, bf16 *out, int first_row, int rows,
                     int n, int k, cudaStream_t stream);

/* Where q of row and column is: word, and the shift in it. */
static inline size_t int4_word(int row, int column, int k, int *ret_shift)
{
    int chunk = column / 64;
    int c = column % 64 / 16;
    int step = column % 16 / 4;
    int within = column % 4;
    int lane = row % 8 * 4 + c;
    int part = row % 16 / 8 + within / 2 * 2; /* register of the fragment */
    *ret_shift = 4 * part + 16 * (within % 2);
    return (((size_t)(row / 16) * (k / 64) + chunk) * 32 + lane) * 4 + step;
}

#endif
