#include "profiler/linear.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "profiler/linear_4bit.h"
#include "profiler/quantize.h"

enum { WORKSPACE_BYTES = 32 << 20, SLICE_BYTES = 24 << 20 };

bool weight_type_find(const std::string &name, weight_type *ret_type)
{
    static const std::map<std::string, weight_type> types = {{"bf16", weight_type::bf16},
                                                             {"fp8", weight_type::fp8},
                                                             {"int8", weight_type::int8},
                                                             {"int4-g128", weight_type::int4_g128},
                                                             {"nf4", weight_type::nf4}};
    auto place = types.find(name);
    if (place != types.end()) {
        *ret_type = place->second;
    }
    return place != types.end();
}

bool weight_type_is_4_bit(weight_type type)
{
    return type == weight_type::int4_g128 || type == weight_type::nf4;
}

size_t weight_type_bytes(weight_type type, int n, int k)
{
    size_t count = (size_t)n * k;
    if (weight_type_is_4_bit(type)) {
        return four_bit_bytes(type, n, k);
    }
    return type == weight_type::bf16 ? 2 * count : count + n * sizeof(float);
}

void linear_create(struct linear *linear, weight_type type, int n, int k, bool has_bias,
                   uint64_t seed, cudaStream_t stream)
{
    size_t count = (size_t)n * k;
    float scale = std::sqrt(3.0f / (float)k); /* uniform weights within it */
    linear->type = type;
    linear->n = n;
    linear->k = k;
    if (type == weight_type::bf16) {
        linear->weights.allocate(count, "bf16 weights");
        fill_random_bf16(linear->weights.get(), count, scale, seed, stream);
    } else if (weight_type_is_4_bit(type)) {
        linear->units.allocate(four_bit_bytes(type, n, k), "4-bit weights");
        four_bit_fill(linear, type == weight_type::nf4 ? 2 * scale : scale / 4, seed, stream);
    } else {
        bool fp8 = type == weight_type::fp8;
        linear->bytes.allocate(count, "8-bit weights");
        linear->row_scales.allocate(n, "scales of rows");
        if (fp8) {
            fill_random_fp8(reinterpret_cast<__nv_fp8_e4m3 *>(linear->bytes.get()), count, 1, seed,
                            stream);
        } else {
            fill_random_bytes(linear->bytes.get(), count, seed, stream);
        }
        std::vector<float> row_scales(n);
        for (int row = 0; row < n; row++) {
            row_scales[row] = scale / (fp8 ? 1 : 128) * (1 + (float)(row % 7) / 8);
        }
        linear->row_scales.upload(row_scales);
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

/* n, k, tokens, bias, scales of rows and tokens */
using product_key = std::tuple<weight_type, int, int, int, bool, bool>;

struct linear_context {
    cublasLtHandle_t handle = nullptr;
    device_memory<char> workspace;
    device_memory<bf16> slice;
    device_memory<int32_t> sums; /* of INT8 products */
    std::map<product_key, struct product> products;
    device_memory<float> one;
    int second_way_from = FOUR_BIT_MOST_TOKENS + 1; /* tokens */
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

void linear_context_second_way_from(struct linear_context *context, int tokens)
{
    context->second_way_from = tokens;
}

/* A product for cuBLASLt: x[tokens][k] and weights[n][k] of one type. */
struct call {
    weight_type type = weight_type::bf16;
    int n = 0;
    int k = 0;
    int tokens = 0;
    const void *weights = nullptr;
    const void *x = nullptr;
    bool scales_rows = false; /* FP8: by arrays; else by one number each */
    const float *row_scales = nullptr;
    const float *token_scales = nullptr;
    const bf16 *bias = nullptr;
    void *y = nullptr; /* bf16, or sums of INT8 */
    int y_stride = 0;
};

template <typename T>
static void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name, T value)
{
    cublas_check(cublasLtMatmulDescSetAttribute(operation, name, &value, sizeof value));
}

/* What differs from layer to layer. */
static void point_at(struct product *product, const struct call &call)
{
    if (call.type == weight_type::fp8) {
        set(product->operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, call.row_scales);
        set(product->operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, call.token_scales);
    }
    if (call.bias != nullptr) {
        set(product->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, call.bias);
    }
}

/* Row-major y = x w^T is the column-major product of w (transposed) and x. */
static void describe(struct linear_context *context, struct product *product,
                     const struct call &call)
{
    bool int8 = call.type == weight_type::int8;
    bool fp8 = call.type == weight_type::fp8;
    cudaDataType type = int8 ? CUDA_R_8I : (fp8 ? CUDA_R_8F_E4M3 : CUDA_R_16BF);
    cublas_check(cublasLtMatmulDescCreate(&product->operation,
                                          int8 ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F,
                                          int8 ? CUDA_R_32I : CUDA_R_32F));
    set(product->operation, CUBLASLT_MATMUL_DESC_TRANSA, (int32_t)CUBLAS_OP_T);
    if (fp8) {
        auto mode = (int32_t)(call.scales_rows ? CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F
                                               : CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F);
        set(product->operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, (int8_t)1);
        set(product->operation, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, mode);
        set(product->operation, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, mode);
    }
    if (call.bias != nullptr) {
        set(product->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, (uint32_t)CUBLASLT_EPILOGUE_BIAS);
        set(product->operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, (int32_t)CUDA_R_16BF);
    }
    point_at(product, call);
    cublas_check(cublasLtMatrixLayoutCreate(&product->a, type, call.k, call.n, call.k));
    cublas_check(cublasLtMatrixLayoutCreate(&product->b, type, call.k, call.tokens, call.k));
    cublas_check(cublasLtMatrixLayoutCreate(&product->d, int8 ? CUDA_R_32I : CUDA_R_16BF, call.n,
                                            call.tokens, call.n));
    cublasLtMatmulPreference_t preference = nullptr;
    uint64_t room = WORKSPACE_BYTES;
    int found = 0;
    cublas_check(cublasLtMatmulPreferenceCreate(&preference));
    cublas_check(cublasLtMatmulPreferenceSetAttribute(
        preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room));
    cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        context->handle, product->operation, product->a, product->b, product->d, product->d,
        preference, 1, &product->heuristic, &found);
    cublasLtMatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_SUCCESS || found == 0) {
        fprintf(stderr,
                "kvcast-profile: cuBLASLt has no %s product of %d x %d for %d tokens on this card "
                "(%s)\n",
                fp8 ? "FP8" : (int8 ? "INT8" : "bf16"), call.n, call.k, call.tokens,
                cublasLtGetStatusString(status));
        exit(1);
    }
}

static void multiply(struct linear_context *context, const struct call &call, cudaStream_t stream)
{
    product_key key = {call.type,       call.n, call.k, call.tokens, call.bias != nullptr,
                       call.scales_rows};
    auto place = context->products.find(key);
    if (place == context->products.end()) {
        place = context->products.emplace(key, product{}).first;
        describe(context, &place->second, call);
    }
    struct product *product = &place->second;
    const float alpha = 1;
    const float beta = 0;
    const int32_t whole_alpha = 1;
    const int32_t whole_beta = 0;
    bool int8 = call.type == weight_type::int8;
    int64_t stride = call.y_stride;
    point_at(product, call);
    cublas_check(cublasLtMatrixLayoutSetAttribute(product->d, CUBLASLT_MATRIX_LAYOUT_LD, &stride,
                                                  sizeof stride));
    cublas_check(cublasLtMatmul(
        context->handle, product->operation, int8 ? (const void *)&whole_alpha : &alpha,
        call.weights, product->a, call.x, product->b, int8 ? (const void *)&whole_beta : &beta,
        call.y, product->d, call.y, product->d, &product->heuristic.algo, context->workspace.get(),
        WORKSPACE_BYTES, stream));
}

static struct call call_of(const struct linear *linear, const bf16 *x, bf16 *y, int tokens)
{
    struct call call;
    call.n = linear->n;
    call.k = linear->k;
    call.tokens = tokens;
    call.weights = linear->weights.get();
    call.x = x;
    call.bias = linear->bias.get();
    call.y = y;
    call.y_stride = linear->n;
    return call;
}

static void multiply_int8(struct linear_context *context, const struct linear *linear,
                          const struct linear_input &input, bf16 *y, int tokens,
                          cudaStream_t stream)
{
    size_t count = (size_t)tokens * linear->n;
    if (context->sums.size() < count) {
        context->sums.allocate(count, "sums of INT8 products");
    }
    struct call call = call_of(linear, input.x, y, tokens);
    call.type = weight_type::int8;
    call.weights = linear->bytes.get();
    call.x = input.quantized;
    call.bias = nullptr;
    call.y = context->sums.get();
    multiply(context, call, stream);
    scale_sums_int8(context->sums.get(), input.scales, linear->row_scales.get(), linear->bias.get(),
                    y, tokens, linear->n, stream);
}

static void multiply_fp8(struct linear_context *context, const struct linear *linear,
                         const struct linear_input &input, bf16 *y, int tokens, cudaStream_t stream)
{
    struct call call = call_of(linear, input.x, y, tokens);
    call.type = weight_type::fp8;
    call.weights = linear->bytes.get();
    call.x = input.quantized;
    call.scales_rows = tokens >= context->second_way_from;
    call.row_scales = context->one.get();
    call.token_scales = context->one.get();
    if (call.scales_rows) {
        call.row_scales = linear->row_scales.get();
        call.token_scales = input.scales;
        multiply(context, call, stream);
        return;
    }
    call.bias = nullptr;
    multiply(context, call, stream);
    scale_sums_fp8(y, input.scales, linear->row_scales.get(), linear->bias.get(), y, tokens,
                   linear->n, stream);
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
        struct call call = call_of(linear, x, y + first, tokens);
        call.n = std::min(rows, linear->n - first);
        call.weights = context->slice.get();
        call.bias = linear->bias.get() != nullptr ? linear->bias.get() + first : nullptr;
        four_bit_dequantize(linear, context->slice.get(), first, call.n, stream);
        multiply(context, call, stream);
    }
}

static void multiply_4_bit(struct linear_context *context, const struct linear *linear,
                           const bf16 *x, bf16 *y, int tokens, cudaStream_t stream)
{
    if (tokens >= context->second_way_from) {
        multiply_dequantized(context, linear, x, y, tokens, stream);
        return;
    }
    for (int first = 0; first < tokens; first += FOUR_BIT_MOST_TOKENS) {
        four_bit_multiply(linear, x + (size_t)first * linear->k, y + (size_t)first * linear->n,
                          std::min(tokens - first, (int)FOUR_BIT_MOST_TOKENS), stream);
    }
}

void linear_quantize(const struct linear *linear, const struct linear_input &input, int tokens,
                     cudaStream_t stream)
{
    if (linear->type == weight_type::fp8) {
        quantize_rows_fp8(input.x, reinterpret_cast<__nv_fp8_e4m3 *>(input.quantized), input.scales,
                          tokens, linear->k, stream);
    } else if (linear->type == weight_type::int8) {
        quantize_rows_int8(input.x, reinterpret_cast<int8_t *>(input.quantized), input.scales,
                           tokens, linear->k, stream);
    }
}

void linear_run(struct linear_context *context, const struct linear *linear,
                const struct linear_input &input, bf16 *y, int tokens, cudaStream_t stream)
{
    switch (linear->type) {
    case weight_type::bf16:
        multiply(context, call_of(linear, input.x, y, tokens), stream);
        break;
    case weight_type::fp8:
        multiply_fp8(context, linear, input, y, tokens, stream);
        break;
    case weight_type::int8:
        multiply_int8(context, linear, input, y, tokens, stream);
        break;
    case weight_type::int4_g128:
    case weight_type::nf4:
        multiply_4_bit(context, linear, input.x, y, tokens, stream);
        break;
    }
}

/* Weights or activations of 8 bits as numbers, scales left aside. */
static std::vector<float> numbers_of(const device_memory<uint8_t> &bytes, size_t count,
                                     weight_type type)
{
    std::vector<float> values(count);
    auto data = bytes.download(count);
    for (size_t i = 0; i < count; i++) {
        __nv_fp8_e4m3 small;
        small.__x = data[i];
        values[i] = type == weight_type::fp8 ? (float)small : (float)(int8_t)data[i];
    }
    return values;
}

/* The weights as numbers. */
static std::vector<float> weights_of(const struct linear *linear)
{
    size_t count = (size_t)linear->n * linear->k;
    if (weight_type_is_4_bit(linear->type)) {
        return four_bit_values(linear);
    }
    std::vector<float> values(count);
    if (linear->type == weight_type::bf16) {
        auto weights = linear->weights.download(count);
        std::transform(weights.begin(), weights.end(), values.begin(),
                       [](bf16 weight) { return __bfloat162float(weight); });
        return values;
    }
    values = numbers_of(linear->bytes, count, linear->type);
    auto scales = linear->row_scales.download(linear->n);
    for (size_t i = 0; i < count; i++) {
        values[i] *= scales[i / linear->k];
    }
    return values;
}

/* What the product was given, as numbers: quantized where the weights ask for that. */
static std::vector<float> inputs_of(const struct linear *linear, const device_memory<bf16> &x,
                                    const device_memory<uint8_t> &quantized,
                                    const device_memory<float> &scales)
{
    std::vector<float> values(x.size());
    if (linear->row_scales.size() == 0) {
        auto data = x.download(x.size());
        std::transform(data.begin(), data.end(), values.begin(),
                       [](bf16 value) { return __bfloat162float(value); });
        return values;
    }
    values = numbers_of(quantized, x.size(), linear->type);
    auto factors = scales.download(scales.size());
    for (size_t i = 0; i < values.size(); i++) {
        values[i] *= factors[i / linear->k];
    }
    return values;
}

static bool check_one(struct linear_context *context, weight_type type, int n, int k, int tokens,
                      const char *what)
{
    struct linear linear;
    device_memory<bf16> x, y;
    device_memory<uint8_t> quantized;
    device_memory<float> scales;
    linear_create(&linear, type, n, k, true, 21, nullptr);
    x.allocate((size_t)tokens * k, "a check");
    quantized.allocate((size_t)tokens * k, "a check");
    scales.allocate(tokens, "a check");
    y.allocate((size_t)tokens * n, "a check");
    fill_random_bf16(x.get(), x.size(), 1, 22, nullptr);
    fill_random_bytes(y.get(), y.size() * 2, 23, nullptr);
    struct linear_input input = {x.get(), quantized.get(), scales.get()};
    linear_quantize(&linear, input, tokens, nullptr);
    linear_run(context, &linear, input, y.get(), tokens, nullptr);
    auto weights = weights_of(&linear);
    auto inputs = inputs_of(&linear, x, quantized, scales);
    auto bias = linear.bias.download(n);
    auto found = y.download(y.size());
    for (int t = 0; t < tokens; t += std::max(1, tokens / 7)) {
        for (int row = 0; row < n; row += 3) {
            double sum = __bfloat162float(bias[row]);
            for (int i = 0; i < k; i++) {
                sum += (double)inputs[(size_t)t * k + i] * weights[(size_t)row * k + i];
            }
            double got = __bfloat162float(found[(size_t)t * n + row]);
            if (std::isnan(got) || std::fabs(got - sum) > 0.02 * (1 + std::fabs(sum))) {
                fprintf(
                    stderr,
                    "kvcast-profile: check of %s failed: %d x %d, %d tokens, token %d, row %d: got "
                    "%g, expected %g\n",
                    what, n, k, tokens, t, row, got, sum);
                return false;
            }
        }
    }
    return true;
}

enum { CHECK_N = 320, CHECK_K = 1280 };

/* Our own kernel, with rows for one, two and three blocks a multiprocessor. */
static bool check_4_bit(struct linear_context *context, int tokens)
{
    static const int shapes[][2] = {{CHECK_N, CHECK_K}, {5120, 256}, {9600, 256}};
    for (auto [n, k] : shapes) {
        if (!check_one(context, weight_type::int4_g128, n, k, tokens, "an INT4 product") ||
            !check_one(context, weight_type::nf4, n, k, tokens, "an NF4 product")) {
            return false;
        }
    }
    return true;
}

bool linear_check(struct linear_context *context)
{
    for (int tokens : {1, 7, 16, 31, 64, 100}) {
        if (!check_one(context, weight_type::bf16, CHECK_N, CHECK_K, tokens, "a bf16 product") ||
            !check_one(context, weight_type::fp8, CHECK_N, CHECK_K, tokens, "an FP8 product") ||
            !check_one(context, weight_type::int8, CHECK_N, CHECK_K, tokens, "an INT8 product") ||
            !check_4_bit(context, tokens)) {
            return false;
        }
    }
    return true;
}
