#include "profiler/linear.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "profiler/linear_int4.h"

enum { WORKSPACE_BYTES = 32 << 20, SLICE_BYTES = 24 << 20 };

size_t linear::weight_bytes() const
{
    size_t count = (size_t)n * k;
    switch (type) {
    case weight_type::bf16:
        return 2 * count;
    case weight_type::fp8:
        return count;
    case weight_type::int4_g128:
        return count / 2 + count / INT4_GROUP * 2;
    }
    return 0;
}

void linear_create(struct linear *linear, weight_type type, int n, int k, bool has_bias,
                   uint64_t seed, cudaStream_t stream)
{
    size_t count = (size_t)n * k;
    float scale = std::sqrt(3.0f / (float)k);
    linear->type = type;
    linear->n = n;
    linear->k = k;
    switch (type) {
    case weight_type::bf16:
        linear->weights.allocate(count, "bf16 weights");
        fill_random_bf16(linear->weights.get(), count, scale, seed, stream);
        break;
    case weight_type::fp8:
        linear->fp8.allocate(count, "FP8 weights");
        fill_random_fp8(linear->fp8.get(), count, scale, seed, stream);
        break;
    case weight_type::int4_g128:
        linear->packed.allocate(count / 8, "INT4 weights");
        linear->scales.allocate(count / INT4_GROUP, "INT4 scales");
        fill_random_bytes(linear->packed.get(), count / 2, seed, stream);
        fill_random_bf16(linear->scales.get(), count / INT4_GROUP, scale / 4, seed + 1, stream);
        break;
    }
    if (has_bias) {
        linear->bias.allocate(n, "a bias");
        fill_random_bf16(linear->bias.get(), n, 0.1f, seed + 2, stream);
    }
}

/* A product that cuBLASLt has been asked for, with its first heuristic. */
struct product {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr;
    cublasLtMatrixLayout_t b = nullptr;
    cublasLtMatrixLayout_t d = nullptr;
    cublasLtMatmulHeuristicResult_t heuristic = {};
};

using product_key = std::tuple<int, int, int, bool, bool>; /* n, k, tokens, FP8, bias */

struct linear_context {
    cublasLtHandle_t handle = nullptr;
    device_memory<char> workspace;
    device_memory<bf16> slice;
    device_memory<float> one;
    std::map<product_key, struct product> products;
    int dequantize_from = INT4_MOST_TOKENS + 1; /* tokens */
};

struct linear_context *linear_context_create(void)
{
    auto *context = new linear_context;
    cublas_check(cublasLtCreate(&context->handle));
    context->workspace.allocate(WORKSPACE_BYTES, "the workspace of cuBLASLt");
    context->one.allocate(1, "a scale");
    context->one.upload({1.0f});
    return context;
}

void linear_context_destroy(struct linear_context *context)
{
    for (auto &entry : context->products) {
        cublasLtMatmulDescDestroy(entry.second.operation);
        cublasLtMatrixLayoutDestroy(entry.second.a);
        cublasLtMatrixLayoutDestroy(entry.second.b);
        cublasLtMatrixLayoutDestroy(entry.second.d);
    }
    cublasLtDestroy(context->handle);
    delete context;
}

void linear_context_dequantize_from(struct linear_context *context, int tokens)
{
    context->dequantize_from = tokens;
}

template <typename T>
static void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name, T value)
{
    cublas_check(cublasLtMatmulDescSetAttribute(operation, name, &value, sizeof value));
}

/* Row-major y = x w^T is the column-major product of w (transposed) and x. */
static void describe(struct linear_context *context, struct product *product, int n, int k,
                     int tokens, bool fp8, const bf16 *bias)
{
    cudaDataType type = fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF;
    cublas_check(cublasLtMatmulDescCreate(&product->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    set(product->operation, CUBLASLT_MATMUL_DESC_TRANSA, (int32_t)CUBLAS_OP_T);
    if (fp8) {
        set(product->operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, (int8_t)1);
        set(product->operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER,
            (const void *)context->one.get());
        set(product->operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER,
            (const void *)context->one.get());
    }
    if (bias != nullptr) {
        set(product->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, (uint32_t)CUBLASLT_EPILOGUE_BIAS);
        set(product->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, (const void *)bias);
        set(product->operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, (int32_t)CUDA_R_16BF);
    }
    cublas_check(cublasLtMatrixLayoutCreate(&product->a, type, k, n, k));
    cublas_check(cublasLtMatrixLayoutCreate(&product->b, type, k, tokens, k));
    cublas_check(cublasLtMatrixLayoutCreate(&product->d, CUDA_R_16BF, n, tokens, n));
    cublasLtMatmulPreference_t preference = nullptr;
    uint64_t room = WORKSPACE_BYTES;
    int found = 0;
    cublas_check(cublasLtMatmulPreferenceCreate(&preference));
    cublas_check(cublasLtMatmulPreferenceSetAttribute(
        preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room));
    cublas_check(cublasLtMatmulAlgoGetHeuristic(context->handle, product->operation, product->a,
                                                product->b, product->d, product->d, preference, 1,
                                                &product->heuristic, &found));
    cublasLtMatmulPreferenceDestroy(preference);
    if (found == 0) {
        fprintf(stderr, "kvcast-profile: cuBLASLt has no %s product of %d x %d for %d tokens\n",
                fp8 ? "FP8" : "bf16", n, k, tokens);
        exit(1);
    }
}

static void multiply(struct linear_context *context, int n, int k, int tokens, const void *weights,
                     const void *x, bool fp8, const bf16 *bias, bf16 *y, int ld,
                     cudaStream_t stream)
{
    product_key key = {n, k, tokens, fp8, bias != nullptr};
    auto place = context->products.find(key);
    if (place == context->products.end()) {
        place = context->products.emplace(key, product{}).first;
        describe(context, &place->second, n, k, tokens, fp8, bias);
    }
    struct product *product = &place->second;
    const float alpha = 1;
    const float beta = 0;
    int64_t stride = ld;
    if (bias != nullptr) {
        set(product->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, (const void *)bias);
    }
    cublas_check(cublasLtMatrixLayoutSetAttribute(product->d, CUBLASLT_MATRIX_LAYOUT_LD, &stride,
                                                  sizeof stride));
    cublas_check(cublasLtMatmul(context->handle, product->operation, &alpha, weights, product->a, x,
                                product->b, &beta, y, product->d, y, product->d,
                                &product->heuristic.algo, context->workspace.get(), WORKSPACE_BYTES,
                                stream));
}

/* Slices small enough to stay in L2 between being written and being read. */
static void multiply_dequantized(struct linear_context *context, const struct linear *linear,
                                 const bf16 *x, bf16 *y, int tokens, cudaStream_t stream)
{
    int rows = std::max(16, SLICE_BYTES / 2 / linear->k / 128 * 128);
    if (context->slice.size() < (size_t)rows * linear->k) {
        context->slice.allocate((size_t)rows * linear->k, "dequantized weights");
    }
    for (int first = 0; first < linear->n; first += rows) {
        int count = std::min(rows, linear->n - first);
        const bf16 *bias = linear->bias.get() != nullptr ? linear->bias.get() + first : nullptr;
        int4_dequantize(linear->packed.get(), linear->scales.get(), context->slice.get(), first,
                        count, linear->n, linear->k, stream);
        multiply(context, count, linear->k, tokens, context->slice.get(), x, false, bias, y + first,
                 linear->n, stream);
    }
}

void linear_run(struct linear_context *context, const struct linear *linear, const bf16 *x,
                const __nv_fp8_e4m3 *x8, bf16 *y, int tokens, cudaStream_t stream)
{
    switch (linear->type) {
    case weight_type::bf16:
        multiply(context, linear->n, linear->k, tokens, linear->weights.get(), x, false,
                 linear->bias.get(), y, linear->n, stream);
        break;
    case weight_type::fp8:
        multiply(context, linear->n, linear->k, tokens, linear->fp8.get(), x8, true,
                 linear->bias.get(), y, linear->n, stream);
        break;
    case weight_type::int4_g128:
        if (tokens < context->dequantize_from) {
            for (int first = 0; first < tokens; first += INT4_MOST_TOKENS) {
                int4_multiply(linear->packed.get(), linear->scales.get(), linear->bias.get(),
                              x + (size_t)first * linear->k, y + (size_t)first * linear->n,
                              std::min(tokens - first, (int)INT4_MOST_TOKENS), linear->n, linear->k,
                              stream);
            }
        } else {
            multiply_dequantized(context, linear, x, y, tokens, stream);
        }
        break;
    }
}

/* The weights as numbers. */
static std::vector<float> weights_of(const struct linear *linear)
{
    size_t count = (size_t)linear->n * linear->k;
    std::vector<float> values(count);
    if (linear->type == weight_type::int4_g128) {
        auto packed = linear->packed.download(linear->packed.size());
        auto scales = linear->scales.download(linear->scales.size());
        for (int row = 0; row < linear->n; row++) {
            for (int column = 0; column < linear->k; column++) {
                int shift = 0;
                size_t word = int4_word(row, column, linear->k, &shift);
                int q = (int)(packed[word] >> shift & 15);
                float scale =
                    __bfloat162float(scales[(size_t)(column / INT4_GROUP) * linear->n + row]);
                values[(size_t)row * linear->k + column] = (float)(q - 8) * scale;
            }
        }
        return values;
    }
    bool fp8 = linear->type == weight_type::fp8;
    auto bytes = fp8 ? linear->fp8.download(count) : std::vector<__nv_fp8_e4m3>();
    auto halves = fp8 ? std::vector<bf16>() : linear->weights.download(count);
    for (size_t i = 0; i < count; i++) {
        values[i] = fp8 ? (float)bytes[i] : __bfloat162float(halves[i]);
    }
    return values;
}

static bool check_one(struct linear_context *context, weight_type type, int tokens,
                      const char *what)
{
    enum { N = 256, K = 1280 };
    struct linear linear;
    device_memory<bf16> x, y;
    device_memory<__nv_fp8_e4m3> x8;
    linear_create(&linear, type, N, K, true, 21, nullptr);
    x.allocate((size_t)tokens * K, "a check");
    x8.allocate((size_t)tokens * K, "a check");
    y.allocate((size_t)tokens * N, "a check");
    fill_random_bf16(x.get(), x.size(), 1, 22, nullptr);
    fill_random_bytes(y.get(), y.size() * 2, 23, nullptr);
    quantize_fp8(x.get(), x8.get(), 1, x.size(), nullptr);
    linear_run(context, &linear, x.get(), x8.get(), y.get(), tokens, nullptr);
    auto weights = weights_of(&linear);
    auto inputs = x.download(x.size());
    auto quantized = x8.download(x8.size());
    auto bias = linear.bias.download(N);
    auto found = y.download(y.size());
    for (int t = 0; t < tokens; t += std::max(1, tokens / 7)) {
        for (int row = 0; row < N; row += 3) {
            double sum = __bfloat162float(bias[row]);
            for (int i = 0; i < K; i++) {
                size_t at = (size_t)t * K + i;
                double value =
                    type == weight_type::fp8 ? (float)quantized[at] : __bfloat162float(inputs[at]);
                sum += value * weights[(size_t)row * K + i];
            }
            double got = __bfloat162float(found[(size_t)t * N + row]);
            if (std::isnan(got) || std::fabs(got - sum) > 0.02 * (1 + std::fabs(sum))) {
                fprintf(
                    stderr,
                    "kvcast-profile: check of %s failed: %d x %d, %d tokens, token %d, row %d: got "
                    "%g, expected %g\n",
                    what, N, K, tokens, t, row, got, sum);
                return false;
            }
        }
    }
    return true;
}

bool linear_check(struct linear_context *context)
{
    for (int tokens : {1, 7, 16, 31, 64, 100}) {
        if (!check_one(context, weight_type::bf16, tokens, "a bf16 product") ||
            !check_one(context, weight_type::fp8, tokens, "an FP8 product") ||
            !check_one(context, weight_type::int4_g128, tokens, "an INT4 product")) {
            return false;
        }
    }
    return true;
}
