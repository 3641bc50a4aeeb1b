#include "profiler/quantize.h"

#include <algorithm>
#include <cmath>

#include "profiler/device_memory.h"

enum { THREADS = 256 };

__device__ static inline float block_max(float value)
{
    __shared__ float most[THREADS / 32];
    for (int offset = 16; offset > 0; offset /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, offset));
    }
    if (threadIdx.x % 32 == 0) {
        most[threadIdx.x / 32] = value;
    }
    __syncthreads();
    float all = most[0];
    for (int i = 1; i < THREADS / 32; i++) {
        all = fmaxf(all, most[i]);
    }
    return all;
}

/* Eight numbers of a format from eight floats. */
template <typename T> struct packed_eight;

template <> struct packed_eight<__nv_fp8_e4m3> {
    static constexpr float largest = 448;
    __device__ static uint2 of(const float v[8])
    {
        __nv_fp8x4_e4m3 low(make_float4(v[0], v[1], v[2], v[3]));
        __nv_fp8x4_e4m3 high(make_float4(v[4], v[5], v[6], v[7]));
        return make_uint2(low.__x, high.__x);
    }
};

template <> struct packed_eight<int8_t> {
    static constexpr float largest = 127;
    __device__ static uint2 of(const float v[8])
    {
        uint32_t words[2] = {0, 0};
        for (int i = 0; i < 8; i++) {
            words[i / 4] |= (uint32_t)(uint8_t)(int8_t)__float2int_rn(v[i]) << 8 * (i % 4);
        }
        return make_uint2(words[0], words[1]);
    }
};

/* One block a token. */
template <typename T>
__global__ static void quantize_kernel(const bf16 *x, T *quantized, float *scales, int width)
{
    size_t row = (size_t)blockIdx.x * (width / 8);
    const auto *from = reinterpret_cast<const uint4 *>(x) + row;
    auto *to = reinterpret_cast<uint2 *>(quantized) + row;
    float most = 0;
    for (int i = threadIdx.x; i < width / 8; i += THREADS) {
        uint4 eight = from[i];
        const auto *pairs = reinterpret_cast<const __nv_bfloat162 *>(&eight);
        for (int j = 0; j < 4; j++) {
            float2 pair = __bfloat1622float2(pairs[j]);
            most = fmaxf(most, fmaxf(fabsf(pair.x), fabsf(pair.y)));
        }
    }
    float scale = fmaxf(block_max(most), 1e-12f) / packed_eight<T>::largest;
    for (int i = threadIdx.x; i < width / 8; i += THREADS) {
        uint4 eight = from[i];
        const auto *pairs = reinterpret_cast<const __nv_bfloat162 *>(&eight);
        float values[8];
        for (int j = 0; j < 4; j++) {
            float2 pair = __bfloat1622float2(pairs[j]);
            values[2 * j] = pair.x / scale;
            values[2 * j + 1] = pair.y / scale;
        }
        to[i] = packed_eight<T>::of(values);
    }
    if (threadIdx.x == 0) {
        scales[blockIdx.x] = scale;
    }
}

void quantize_rows_fp8(const bf16 *x, __nv_fp8_e4m3 *quantized, float *scales, int tokens,
                       int width, cudaStream_t stream)
{
    quantize_kernel<<<tokens, THREADS, 0, stream>>>(x, quantized, scales, width);
    cuda_check(cudaGetLastError());
}

void quantize_rows_int8(const bf16 *x, int8_t *quantized, float *scales, int tokens, int width,
                        cudaStream_t stream)
{
    quantize_kernel<<<tokens, THREADS, 0, stream>>>(x, quantized, scales, width);
    cuda_check(cudaGetLastError());
}

__device__ static inline float number_of(int32_t sum)
{
    return (float)sum;
}

__device__ static inline float number_of(bf16 sum)
{
    return __bfloat162float(sum);
}

/* Four numbers, moved as one. */
template <typename T> struct alignas(4 * sizeof(T)) four {
    T values[4];
};

template <typename T>
__global__ static void scale_kernel(const T *sums, const float *token_scales,
                                    const float *row_scales, const bf16 *bias, bf16 *y, int n)
{
    int i = 4 * ((int)blockIdx.x * THREADS + (int)threadIdx.x);
    size_t at = (size_t)blockIdx.y * n + i;
    if (i >= n) {
        return;
    }
    auto in = *reinterpret_cast<const struct four<T> *>(sums + at);
    auto scales = *reinterpret_cast<const struct four<float> *>(row_scales + i);
    float token = token_scales[blockIdx.y];
    struct four<bf16> out;
    for (int j = 0; j < 4; j++) {
        float more = bias != nullptr ? __bfloat162float(bias[i + j]) : 0;
        out.values[j] = __float2bfloat16(number_of(in.values[j]) * scales.values[j] * token + more);
    }
    *reinterpret_cast<struct four<bf16> *>(y + at) = out;
}

static dim3 scale_grid(int tokens, int n)
{
    return dim3((n / 4 + THREADS - 1) / THREADS, tokens);
}

void scale_sums_int8(const int32_t *sums, const float *token_scales, const float *row_scales,
                     const bf16 *bias, bf16 *y, int tokens, int n, cudaStream_t stream)
{
    scale_kernel<<<scale_grid(tokens, n), THREADS, 0, stream>>>(sums, token_scales, row_scales,
                                                                bias, y, n);
    cuda_check(cudaGetLastError());
}

void scale_sums_fp8(const bf16 *sums, const float *token_scales, const float *row_scales,
                    const bf16 *bias, bf16 *y, int tokens, int n, cudaStream_t stream)
{
    scale_kernel<<<scale_grid(tokens, n), THREADS, 0, stream>>>(sums, token_scales, row_scales,
                                                                bias, y, n);
    cuda_check(cudaGetLastError());
}

/* Each number comes back within half a step of its format (a sixteenth of it for E4M3). */
template <typename T> static bool check_format(const char *what, double largest, double relative)
{
    enum { TOKENS = 3, WIDTH = 1544 };
    device_memory<bf16> x;
    device_memory<T> quantized;
    device_memory<float> scales;
    x.allocate(TOKENS * WIDTH, "a check");
    quantized.allocate(TOKENS * WIDTH, "a check");
    scales.allocate(TOKENS, "a check");
    fill_random_bf16(x.get(), TOKENS * WIDTH, 3, 31, nullptr);
    quantize_kernel<<<TOKENS, THREADS>>>(x.get(), quantized.get(), scales.get(), WIDTH);
    cuda_check(cudaGetLastError());
    auto before = x.download(TOKENS * WIDTH);
    auto after = quantized.download(TOKENS * WIDTH);
    auto factors = scales.download(TOKENS);
    for (int i = 0; i < TOKENS * WIDTH; i++) {
        double expected = __bfloat162float(before[i]);
        double got = (double)(float)after[i] * factors[i / WIDTH];
        double step = relative > 0
                          ? std::max(relative * std::fabs(expected), factors[i / WIDTH] / 512.0)
                          : 0.51 * factors[i / WIDTH];
        if (!(std::fabs(got - expected) <= step) || factors[i / WIDTH] * largest > 3.1) {
            fprintf(
                stderr,
                "kvcast-profile: check of %s failed: token %d, column %d: got %g, expected %g\n",
                what, i / WIDTH, i % WIDTH, got, expected);
            return false;
        }
    }
    return true;
}

bool quantize_check(void)
{
    return check_format<__nv_fp8_e4m3>("quantization to FP8", 448, 1.0 / 16) &&
           check_format<int8_t>("quantization to INT8", 127, 0);
}
