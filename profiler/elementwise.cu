#include "profiler/elementwise.h"

#include <cmath>

#include "profiler/device_memory.h"
#include "profiler/random.h"

enum { THREADS = 256, HEAD_DIM = 128 };

static int blocks_for(size_t count)
{
    size_t blocks = (count + THREADS - 1) / THREADS;
    return (int)(blocks < 65536 ? blocks : 65536);
}

__global__ static void fill_bf16_kernel(bf16 *data, size_t count, float scale, uint64_t seed)
{
    size_t stride = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        data[i] = __float2bfloat16((2 * random_uniform(seed, i) - 1) * scale);
    }
}

__global__ static void fill_fp8_kernel(__nv_fp8_e4m3 *data, size_t count, float scale,
                                       uint64_t seed)
{
    size_t stride = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        data[i] = __nv_fp8_e4m3((2 * random_uniform(seed, i) - 1) * scale);
    }
}

__global__ static void fill_bytes_kernel(uint64_t *data, size_t count, uint64_t seed)
{
    size_t stride = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += stride) {
        data[i] = random_bits(seed, i);
    }
}

void fill_random_bf16(bf16 *data, size_t count, float scale, uint64_t seed, cudaStream_t stream)
{
    fill_bf16_kernel<<<blocks_for(count), THREADS, 0, stream>>>(data, count, scale, seed);
    cuda_check(cudaGetLastError());
}

void fill_random_fp8(__nv_fp8_e4m3 *data, size_t count, float scale, uint64_t seed,
                     cudaStream_t stream)
{
    fill_fp8_kernel<<<blocks_for(count), THREADS, 0, stream>>>(data, count, scale, seed);
    cuda_check(cudaGetLastError());
}

void fill_random_bytes(void *data, size_t bytes, uint64_t seed, cudaStream_t stream)
{
    fill_bytes_kernel<<<blocks_for(bytes / 8), THREADS, 0, stream>>>(static_cast<uint64_t *>(data),
                                                                     bytes / 8, seed);
    cuda_check(cudaGetLastError());
}

__device__ static float block_sum(float value)
{
    __shared__ float sums[THREADS / 32];
    for (int offset = 16; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(0xffffffff, value, offset);
    }
    if (threadIdx.x % 32 == 0) {
        sums[threadIdx.x / 32] = value;
    }
    __syncthreads();
    float total = 0;
    for (int i = 0; i < THREADS / 32; i++) {
        total += sums[i];
    }
    return total;
}

/* Eight bf16, moved as one. */
struct alignas(16) eight {
    __nv_bfloat162 pairs[4];
};

__global__ static void add_rmsnorm_kernel(bf16 *residual, const bf16 *x, const bf16 *weight,
                                          bf16 *normed, int hidden)
{
    cudaTriggerProgrammaticLaunchCompletion(); /* a product may begin to fetch its weights */
    size_t row = (size_t)blockIdx.x * (hidden / 8);
    auto *r = reinterpret_cast<struct eight *>(residual) + row;
    const auto *a = reinterpret_cast<const struct eight *>(x) + row;
    const auto *w = reinterpret_cast<const struct eight *>(weight);
    auto *n = reinterpret_cast<struct eight *>(normed) + row;
    float squares = 0;
    for (int i = threadIdx.x; i < hidden / 8; i += THREADS) {
        struct eight values = r[i];
        struct eight more = {};
        if (x != nullptr) {
            more = a[i];
        }
        for (int j = 0; j < 4; j++) {
            float2 value = __bfloat1622float2(values.pairs[j]);
            float2 added = __bfloat1622float2(more.pairs[j]);
            value.x += x != nullptr ? added.x : 0;
            value.y += x != nullptr ? added.y : 0;
            values.pairs[j] = __floats2bfloat162_rn(value.x, value.y);
            squares += value.x * value.x + value.y * value.y;
        }
        r[i] = values;
    }
    float scale = rsqrtf(block_sum(squares) / hidden + 1e-6f);
    for (int i = threadIdx.x; i < hidden / 8; i += THREADS) {
        struct eight values = r[i];
        struct eight factors = w[i];
        for (int j = 0; j < 4; j++) {
            float2 value = __bfloat1622float2(values.pairs[j]);
            float2 factor = __bfloat1622float2(factors.pairs[j]);
            values.pairs[j] =
                __floats2bfloat162_rn(value.x * scale * factor.x, value.y * scale * factor.y);
        }
        n[i] = values;
    }
}

void add_rmsnorm(bf16 *residual, const bf16 *x, const bf16 *weight, bf16 *normed, int tokens,
                 int hidden, cudaStream_t stream)
{
    add_rmsnorm_kernel<<<tokens, THREADS, 0, stream>>>(residual, x, weight, normed, hidden);
    cuda_check(cudaGetLastError());
}

__device__ static inline float silu(float x)
{
    return x / (1 + __expf(-x));
}

__global__ static void silu_mul_kernel(const bf16 *gate_up, bf16 *out, int intermediate)
{
    cudaTriggerProgrammaticLaunchCompletion();
    size_t token = blockIdx.y;
    int eights = intermediate / 8;
    const auto *gate = reinterpret_cast<const struct eight *>(gate_up) + token * 2 * eights;
    const auto *up = gate + eights;
    auto *to = reinterpret_cast<struct eight *>(out) + token * eights;
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < eights) {
        struct eight gates = gate[i];
        struct eight ups = up[i];
        for (int j = 0; j < 4; j++) {
            float2 g = __bfloat1622float2(gates.pairs[j]);
            float2 u = __bfloat1622float2(ups.pairs[j]);
            gates.pairs[j] = __floats2bfloat162_rn(silu(g.x) * u.x, silu(g.y) * u.y);
        }
        to[i] = gates;
    }
}

void silu_mul(const bf16 *gate_up, bf16 *out, int tokens, int intermediate, cudaStream_t stream)
{
    dim3 grid((intermediate / 8 + THREADS - 1) / THREADS, tokens);
    silu_mul_kernel<<<grid, THREADS, 0, stream>>>(gate_up, out, intermediate);
    cuda_check(cudaGetLastError());
}

template <typename T> __device__ static inline T to_cache(float value);
template <> __device__ inline bf16 to_cache<bf16>(float value)
{
    return __float2bfloat16(value);
}
template <> __device__ inline __nv_fp8_e4m3 to_cache<__nv_fp8_e4m3>(float value)
{
    return __nv_fp8_e4m3(value);
}

/* One block a token, one warp a head at a time; a lane rotates two pairs (d, d + 64). Angles are
 * computed once a token. */
template <typename T>
__global__ static void rope_kernel(bf16 *qkv, T *k_cache, T *v_cache, const int *positions,
                                   const int64_t *slots, int heads, int kv_heads)
{
    int token = blockIdx.x;
    int lane = threadIdx.x % 32;
    __shared__ float sines[HEAD_DIM / 2];
    __shared__ float cosines[HEAD_DIM / 2];
    if (threadIdx.x < HEAD_DIM / 2) {
        float position = (float)positions[token];
        sincosf(position * exp2f(-13.287712f * (float)threadIdx.x / (HEAD_DIM / 2)),
                &sines[threadIdx.x], &cosines[threadIdx.x]);
    }
    __syncthreads();
    bf16 *row = qkv + (size_t)token * (heads + 2 * kv_heads) * HEAD_DIM;
    size_t slot = (size_t)slots[token] * kv_heads * HEAD_DIM;
    for (int head = threadIdx.x / 32; head < heads + 2 * kv_heads; head += THREADS / 32) {
        bf16 *at = row + head * HEAD_DIM;
        for (int i = lane; i < HEAD_DIM / 2; i += 32) {
            float low = __bfloat162float(at[i]);
            float high = __bfloat162float(at[i + HEAD_DIM / 2]);
            if (head >= heads + kv_heads) {
                size_t to = slot + (size_t)(head - heads - kv_heads) * HEAD_DIM + i;
                v_cache[to] = to_cache<T>(low);
                v_cache[to + HEAD_DIM / 2] = to_cache<T>(high);
                continue;
            }
            float first = low * cosines[i] - high * sines[i];
            float second = high * cosines[i] + low * sines[i];
            at[i] = __float2bfloat16(first);
            at[i + HEAD_DIM / 2] = __float2bfloat16(second);
            if (head >= heads) {
                size_t to = slot + (size_t)(head - heads) * HEAD_DIM + i;
                k_cache[to] = to_cache<T>(first);
                k_cache[to + HEAD_DIM / 2] = to_cache<T>(second);
            }
        }
    }
}

void rope_and_store(bf16 *qkv, void *k_cache, void *v_cache, kv_type type, const int *positions,
                    const int64_t *slots, int tokens, int heads, int kv_heads, cudaStream_t stream)
{
    if (type == kv_type::bf16) {
        rope_kernel<<<tokens, THREADS, 0, stream>>>(qkv, static_cast<bf16 *>(k_cache),
                                                    static_cast<bf16 *>(v_cache), positions, slots,
                                                    heads, kv_heads);
    } else {
        rope_kernel<<<tokens, THREADS, 0, stream>>>(qkv, static_cast<__nv_fp8_e4m3 *>(k_cache),
                                                    static_cast<__nv_fp8_e4m3 *>(v_cache),
                                                    positions, slots, heads, kv_heads);
    }
    cuda_check(cudaGetLastError());
}

__global__ static void gather_kernel(const bf16 *from, const int *rows, bf16 *to, int hidden)
{
    const auto *source = reinterpret_cast<const uint4 *>(from + (size_t)rows[blockIdx.x] * hidden);
    auto *target = reinterpret_cast<uint4 *>(to + (size_t)blockIdx.x * hidden);
    for (int i = threadIdx.x; i < hidden / 8; i += THREADS) {
        target[i] = source[i];
    }
}

void embed(const bf16 *table, const int *ids, bf16 *residual, int tokens, int hidden,
           cudaStream_t stream)
{
    gather_kernel<<<tokens, THREADS, 0, stream>>>(table, ids, residual, hidden);
    cuda_check(cudaGetLastError());
}

void gather_rows(const bf16 *x, const int *rows, bf16 *out, int count, int hidden,
                 cudaStream_t stream)
{
    gather_kernel<<<count, THREADS, 0, stream>>>(x, rows, out, hidden);
    cuda_check(cudaGetLastError());
}

static bool near(const char *what, double got, double expected, double tolerance)
{
    if (std::isnan(got) || std::fabs(got - expected) > tolerance * (1 + std::fabs(expected))) {
        fprintf(stderr, "kvcast-profile: check of %s failed: got %g, expected %g\n", what, got,
                expected);
        return false;
    }
    return true;
}

static bool check_norm_and_silu(void)
{
    enum { TOKENS = 3, HIDDEN = 1536 };
    device_memory<bf16> residual, x, weight, normed, activated;
    residual.allocate(TOKENS * HIDDEN, "a check");
    x.allocate(TOKENS * HIDDEN, "a check");
    weight.allocate(HIDDEN, "a check");
    normed.allocate(TOKENS * HIDDEN, "a check");
    activated.allocate(TOKENS * HIDDEN / 2, "a check");
    fill_random_bf16(residual.get(), TOKENS * HIDDEN, 1, 1, nullptr);
    fill_random_bf16(x.get(), TOKENS * HIDDEN, 1, 2, nullptr);
    fill_random_bf16(weight.get(), HIDDEN, 1, 3, nullptr);
    auto before = residual.download(TOKENS * HIDDEN);
    auto added = x.download(TOKENS * HIDDEN);
    auto factors = weight.download(HIDDEN);
    add_rmsnorm(residual.get(), x.get(), weight.get(), normed.get(), TOKENS, HIDDEN, nullptr);
    silu_mul(x.get(), activated.get(), TOKENS, HIDDEN / 2, nullptr);
    auto result = normed.download(TOKENS * HIDDEN);
    auto silued = activated.download(TOKENS * HIDDEN / 2);
    bool ok = true;
    for (int t = 0; t < TOKENS && ok; t++) {
        double squares = 0;
        for (int i = 0; i < HIDDEN; i++) {
            double sum = (double)__bfloat162float(before[t * HIDDEN + i]) +
                         __bfloat162float(added[t * HIDDEN + i]);
            squares += sum * sum;
        }
        double scale = 1 / std::sqrt(squares / HIDDEN + 1e-6);
        for (int i = 0; i < HIDDEN && ok; i += 7) {
            double sum = (double)__bfloat162float(before[t * HIDDEN + i]) +
                         __bfloat162float(added[t * HIDDEN + i]);
            ok = near("RMSNorm", __bfloat162float(result[t * HIDDEN + i]),
                      sum * scale * __bfloat162float(factors[i]), 2e-2);
        }
        for (int i = 0; i < HIDDEN / 2 && ok; i += 5) {
            double gate = __bfloat162float(added[t * HIDDEN + i]);
            double up = __bfloat162float(added[t * HIDDEN + HIDDEN / 2 + i]);
            ok = near("SiLU", __bfloat162float(silued[t * HIDDEN / 2 + i]),
                      gate / (1 + std::exp(-gate)) * up, 1e-2);
        }
    }
    return ok;
}

static bool check_rope(void)
{
    enum { HEADS = 4, KV_HEADS = 2, ROW = (HEADS + 2 * KV_HEADS) * HEAD_DIM, SLOT = 5 };
    device_memory<bf16> qkv, k_cache, v_cache;
    device_memory<int> positions;
    device_memory<int64_t> slots;
    qkv.allocate(ROW, "a check");
    k_cache.allocate(8 * KV_HEADS * HEAD_DIM, "a check");
    v_cache.allocate(8 * KV_HEADS * HEAD_DIM, "a check");
    positions.allocate(1, "a check");
    slots.allocate(1, "a check");
    positions.upload({1234});
    slots.upload({SLOT});
    fill_random_bf16(qkv.get(), ROW, 1, 4, nullptr);
    auto before = qkv.download(ROW);
    rope_and_store(qkv.get(), k_cache.get(), v_cache.get(), kv_type::bf16, positions.get(),
                   slots.get(), 1, HEADS, KV_HEADS, nullptr);
    auto after = qkv.download(ROW);
    auto keys = k_cache.download(8 * KV_HEADS * HEAD_DIM);
    auto values = v_cache.download(8 * KV_HEADS * HEAD_DIM);
    bool ok = true;
    for (int head = 0; head < HEADS + KV_HEADS && ok; head++) {
        for (int i = 0; i < HEAD_DIM / 2 && ok; i++) {
            double angle = 1234 * std::pow(10000.0, -(double)i / (HEAD_DIM / 2));
            double low = __bfloat162float(before[head * HEAD_DIM + i]);
            double high = __bfloat162float(before[head * HEAD_DIM + i + HEAD_DIM / 2]);
            double expected = low * std::cos(angle) - high * std::sin(angle);
            ok = near("RoPE", __bfloat162float(after[head * HEAD_DIM + i]), expected, 2e-2);
            if (ok && head >= HEADS) {
                int at = (SLOT * KV_HEADS + head - HEADS) * HEAD_DIM + i;
                ok =
                    near("KV write", __bfloat162float(keys[at]), expected, 2e-2) &&
                    near("KV write", __bfloat162float(values[at]),
                         __bfloat162float(before[(HEADS + KV_HEADS + head - HEADS) * HEAD_DIM + i]),
                         1e-6);
            }
        }
    }
    return ok;
}

bool elementwise_check(void)
{
    return check_norm_and_silu() && check_rope();
}
