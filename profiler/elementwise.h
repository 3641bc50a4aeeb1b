/* Everything in a step that is neither a matrix product nor attention. All launches are on
 * 'stream'; arrays are row-major on the GPU, T rows of tokens. */
#ifndef PROFILER_ELEMENTWISE_H
#define PROFILER_ELEMENTWISE_H

#include <cuda_bf16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstdint>

using bf16 = __nv_bfloat16;

enum class kv_type { bf16, fp8 };

/* Uniform random numbers within +-scale, the same for the same seed. */
void fill_random_bf16(bf16 *data, size_t count, float scale, uint64_t seed, cudaStream_t stream);
void fill_random_bytes(void *data, size_t bytes, uint64_t seed, cudaStream_t stream);
void fill_random_fp8(__nv_fp8_e4m3 *data, size_t count, float scale, uint64_t seed,
                     cudaStream_t stream);

/* residual += x (unless x is NULL); normed = rmsnorm(residual) * weight. */
void add_rmsnorm(bf16 *residual, const bf16 *x, const bf16 *weight, bf16 *normed, int tokens,
                 int hidden, cudaStream_t stream);

/* out[t][i] = silu(gate_up[t][i]) * gate_up[t][intermediate + i]. */
void silu_mul(const bf16 *gate_up, bf16 *out, int tokens, int intermediate, cudaStream_t stream);

/* Rotates q and k of 'qkv' [T][heads + 2 kv_heads][128] by their positions (base 10,000, halves as
 * in Llama and Qwen) and writes k and v to the slots of the cache [slot][kv_heads][128]. */
void rope_and_store(bf16 *qkv, void *k_cache, void *v_cache, kv_type type, const int *positions,
                    const int64_t *slots, int tokens, int heads, int kv_heads, cudaStream_t stream);

/* residual[t] = table[ids[t]]. */
void embed(const bf16 *table, const int *ids, bf16 *residual, int tokens, int hidden,
           cudaStream_t stream);

/* Rows 'rows' of x, one after another. */
void gather_rows(const bf16 *x, const int *rows, bf16 *out, int count, int hidden,
                 cudaStream_t stream);

/* True when each agrees with a computation on the CPU; else says which did not and by how much. */
bool elementwise_check(void);

#endif
