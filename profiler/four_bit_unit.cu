/* What is done with 4-bit weights beside multiplying by them: fill, unpack, read. */
#include "profiler/four_bit_unit.h"

#include <cstring>

#include "profiler/linear_4bit.h"
#include "profiler/random.h"

const float nf4_levels[16] = {-1.0f,        -0.69619280f, -0.52507305f, -0.39491749f,
                              -0.28444138f, -0.18477343f, -0.09105004f, 0.0f,
                              0.07958030f,  0.16093020f,  0.24611230f,  0.33791524f,
                              0.44070983f,  0.56261700f,  0.72295684f,  1.0f};

struct nf4_table nf4_table_make(void)
{
    struct nf4_table table = {};
    for (int i = 0; i < 16; i++) {
        uint16_t bits = 0;
        bf16 level = __float2bfloat16(nf4_levels[i]);
        memcpy(&bits, &level, sizeof bits);
        table.low[i / 4] |= (uint32_t)(bits & 0xff) << 8 * (i % 4);
        table.high[i / 4] |= (uint32_t)(bits >> 8) << 8 * (i % 4);
    }
    return table;
}

int four_bit_group(weight_type type)
{
    return type == weight_type::nf4 ? 64 : 128;
}

/* One block a unit, a warp half a tile of it. */
template <weight_type FORMAT>
__global__ static void dequantize_kernel(const unit<FORMAT> *units, bf16 *out, int k,
                                         struct nf4_table table)
{
    const unit<FORMAT> *unit = units + (size_t)blockIdx.y * gridDim.x + blockIdx.x;
    int lane = threadIdx.x % 32;
    int tile = threadIdx.x / 64;
    int half = threadIdx.x / 32 % 2;
    int row = tile * 16 + lane / 4;
    uint4 words = __ldcs(&unit->words[tile][half][lane]);
    const uint32_t all[4] = {words.x, words.y, words.z, words.w};
    uint32_t rows[2][8]; /* row and row + 8 */
    const bf16 *scales = unit->scales[half % unit->scale_rows];
    const __nv_bfloat162 factors[2] = {__bfloat162bfloat162(scales[row]),
                                       __bfloat162bfloat162(scales[row + 8])};
#pragma unroll
    for (int step = 0; step < 4; step++) {
        uint32_t a[4];
        unpack<FORMAT>(all[step], magic_of<FORMAT>, table, a);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            __nv_bfloat162 value =
                __hmul2(*reinterpret_cast<__nv_bfloat162 *>(&a[i]), factors[i % 2]);
            rows[i % 2][2 * step + i / 2] = *reinterpret_cast<uint32_t *>(&value);
        }
    }
    size_t column = blockIdx.x * GROUP + half * 64 + lane % 4 * 16;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        size_t at = ((size_t)blockIdx.y * SET_ROWS + row + 8 * r) * k + column;
        auto *to = reinterpret_cast<uint4 *>(out + at);
        to[0] = make_uint4(rows[r][0], rows[r][1], rows[r][2], rows[r][3]);
        to[1] = make_uint4(rows[r][4], rows[r][5], rows[r][6], rows[r][7]);
    }
}

template <weight_type FORMAT>
static void dequantize(const struct linear *linear, bf16 *out, int first_row, int rows,
                       cudaStream_t stream)
{
    static const struct nf4_table table = nf4_table_make();
    dim3 grid(linear->k / GROUP, rows / SET_ROWS);
    const auto *units = reinterpret_cast<const unit<FORMAT> *>(linear->units.get());
    dequantize_kernel<FORMAT><<<grid, 128, 0, stream>>>(
        units + (size_t)(first_row / SET_ROWS) * grid.x, out, linear->k, table);
    cuda_check(cudaGetLastError());
}

void four_bit_dequantize(const struct linear *linear, bf16 *out, int first_row, int rows,
                         cudaStream_t stream)
{
    if (linear->type == weight_type::nf4) {
        dequantize<weight_type::nf4>(linear, out, first_row, rows, stream);
    } else {
        dequantize<weight_type::int4_g128>(linear, out, first_row, rows, stream);
    }
}

size_t four_bit_bytes(weight_type type, int n, int k)
{
    size_t bytes = type == weight_type::nf4 ? sizeof(unit<weight_type::nf4>)
                                            : sizeof(unit<weight_type::int4_g128>);
    return bytes * (n / SET_ROWS) * (k / GROUP);
}

/* One block a unit. */
template <weight_type FORMAT>
__global__ static void fill_scales_kernel(unit<FORMAT> *units, float scale, uint64_t seed)
{
    constexpr int count = unit<FORMAT>::scale_rows * SET_ROWS;
    bf16 *scales = &units[blockIdx.x].scales[0][0];
    if (threadIdx.x < count) {
        float uniform = random_uniform(seed, (uint64_t)blockIdx.x * count + threadIdx.x);
        scales[threadIdx.x] = __float2bfloat16((2 * uniform - 1) * scale);
    }
}

template <weight_type FORMAT>
static void fill_scales(struct linear *linear, float scale, uint64_t seed, cudaStream_t stream)
{
    int units = (int)(linear->units.size() / sizeof(unit<FORMAT>));
    fill_scales_kernel<FORMAT><<<units, 2 * SET_ROWS, 0, stream>>>(
        reinterpret_cast<unit<FORMAT> *>(linear->units.get()), scale, seed);
    cuda_check(cudaGetLastError());
}

void four_bit_fill(struct linear *linear, float scale, uint64_t seed, cudaStream_t stream)
{
    fill_random_bytes(linear->units.get(), linear->units.size(), seed, stream);
    if (linear->type == weight_type::nf4) {
        fill_scales<weight_type::nf4>(linear, scale, seed + 1, stream);
    } else {
        fill_scales<weight_type::int4_g128>(linear, scale, seed + 1, stream);
    }
}

/* The weight of a row and column of a unit, from where it lies. */
template <weight_type FORMAT> static float value_in(const unit<FORMAT> &unit, int row, int column)
{
    constexpr bool nf4 = FORMAT == weight_type::nf4;
    int half = column / 64;
    int lane = row % 8 * 4 + column % 64 / 16;
    int step = column % 16 / 4;
    int part = row % 16 / 8 + column % 4 / 2 * 2; /* register of the fragment */
    int place = nf4 ? 2 * part + column % 2 : part + 4 * (column % 2);
    uint32_t words[4];
    memcpy(words, &unit.words[row / 16][half][lane], sizeof words);
    int q = (int)(words[step] >> 4 * place & 15);
    float level = nf4 ? __bfloat162float(__float2bfloat16(nf4_levels[q])) : (float)(q - 8);
    return level * __bfloat162float(unit.scales[half % unit.scale_rows][row]);
}

template <weight_type FORMAT> static std::vector<float> values_of(const struct linear *linear)
{
    std::vector<float> values((size_t)linear->n * linear->k);
    auto bytes = linear->units.download(linear->units.size());
    const auto *units = reinterpret_cast<const unit<FORMAT> *>(bytes.data());
    for (int row = 0; row < linear->n; row++) {
        for (int column = 0; column < linear->k; column++) {
            size_t at = (size_t)(row / SET_ROWS) * (linear->k / GROUP) + column / GROUP;
            values[(size_t)row * linear->k + column] =
                value_in<FORMAT>(units[at], row % SET_ROWS, column % GROUP);
        }
    }
    return values;
}

std::vector<float> four_bit_values(const struct linear *linear)
{
    return linear->type == weight_type::nf4 ? values_of<weight_type::nf4>(linear)
                                            : values_of<weight_type::int4_g128>(linear);
}
