#include "profiler/linear_int4.h"

#include "profiler/cuda_check.h"

enum {
    WARPS = 8,
    DEPTH = 3,      /* groups of 128 columns under way a warp, beside the one in work */
    FEW_ROWS = 8192 /* up to so many, blocks are small, so that there are enough of them */
};

/* What a lane needs for 128 columns of its rows. */
struct int4_group {
    uint4 words[2];
    bf16 scales[2];
};

/* Walks the groups of a warp: columns of one set of rows, then of the next. */
struct int4_reader {
    const uint4 *words;
    const bf16 *scales;
    ptrdiff_t words_to_next_set; /* from the end of a set's columns */
    ptrdiff_t scales_to_next_set;
    int n;
    int count; /* groups of a set */
    int left;  /* in this set */
    int items; /* in all sets */
};

__device__ static inline void read_group(struct int4_group *group, struct int4_reader *reader)
{
    if (reader->items == 0) {
        return;
    }
    group->words[0] = __ldcs(reader->words);
    group->words[1] = __ldcs(reader->words + 32);
    group->scales[0] = reader->scales[0];
    group->scales[1] = reader->scales[8];
    reader->words += 64;
    reader->scales += reader->n;
    reader->items--;
    if (--reader->left == 0) {
        reader->left = reader->count;
        reader->words += reader->words_to_next_set;
        reader->scales += reader->scales_to_next_set;
    }
}

/* Eight weights of a word as bf16, q - 8, by 0x43 00 | q = 128 + q. */
__device__ static inline void unpack(uint32_t word, uint32_t a[4])
{
    const __nv_bfloat162 offset = __float2bfloat162_rn(136.0f);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        uint32_t bits = ((word >> (4 * i)) & 0x000f000fu) | 0x43004300u;
        __nv_bfloat162 pair = __hsub2(*reinterpret_cast<__nv_bfloat162 *>(&bits), offset);
        a[i] = *reinterpret_cast<uint32_t *>(&pair);
    }
}

/* As 128 + q, in fewer instructions: 136 times the sum of the inputs is taken off after a group. */
__device__ static inline void unpack_raw(uint32_t word, uint32_t a[4])
{
#pragma unroll
    for (int i = 0; i < 4; i++) {
        a[i] = ((word >> (4 * i)) & 0x000f000fu) | 0x43004300u;
    }
}

__device__ static inline void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
        "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <int TILES>
__device__ static inline void work_group(float sums[TILES][4], const struct int4_group &group,
                                         const bf16 *const x[TILES], int column)
{
    constexpr bool raw =
        TILES <= 2; /* for more tiles the sums of the inputs cost more than they save */
    const uint32_t ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
    float parts[TILES][4] = {};
    float inputs[TILES][4] = {}; /* their sums */
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const uint32_t words[4] = {group.words[half].x, group.words[half].y, group.words[half].z,
                                   group.words[half].w};
        uint32_t b[TILES][8];
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            const auto *from = reinterpret_cast<const uint4 *>(x[t] + column + 64 * half);
            *reinterpret_cast<uint4 *>(&b[t][0]) = __ldg(from);
            *reinterpret_cast<uint4 *>(&b[t][4]) = __ldg(from + 1);
        }
#pragma unroll
        for (int step = 0; step < 4; step++) {
            uint32_t a[4];
            if constexpr (raw) {
                unpack_raw(words[step], a);
            } else {
                unpack(words[step], a);
            }
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                multiply(parts[t], a, b[t][2 * step], b[t][2 * step + 1]);
                if constexpr (raw) {
                    multiply(inputs[t], ones, b[t][2 * step], b[t][2 * step + 1]);
                }
            }
        }
    }
    float low = __bfloat162float(group.scales[0]);
    float high = __bfloat162float(group.scales[1]);
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        for (int i = 0; i < 4; i++) {
            float excess = raw ? 136 * inputs[t][i % 2] : 0;
            sums[t][i] += (i < 2 ? low : high) * (parts[t][i] - excess);
        }
    }
}

/* A block has ROW_TILES tiles of 16 rows; its warps split the columns of each. It goes from one
 * such set of rows to the next, gridDim.x further on, without letting the loads run dry. */
template <int TILES, int ROW_TILES>
__global__ static void __launch_bounds__(WARPS * 32)
    int4_kernel(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                bf16 *y, int tokens, int n, int k)
{
    constexpr int splits = WARPS / ROW_TILES;
    constexpr int block_rows = 16 * ROW_TILES;
    __shared__ float shared[splits][TILES * 8][block_rows + 1];
    int lane = threadIdx.x % 32;
    int tile = threadIdx.x / 32 % ROW_TILES;
    int split = threadIdx.x / 32 / ROW_TILES;
    int groups = k / 128;
    int begin = groups * split / splits;
    int count = groups * (split + 1) / splits - begin;
    int sets = (n / block_rows - (int)blockIdx.x + (int)gridDim.x - 1) / (int)gridDim.x;
    int first_row = (int)blockIdx.x * block_rows + 16 * tile;
    size_t tile_words = (size_t)(k / 64) * 32; /* 16-byte words of 16 rows */
    struct int4_reader reader = {
        .words = reinterpret_cast<const uint4 *>(packed) + first_row / 16 * tile_words +
                 (size_t)begin * 64 + lane,
        .scales = scales + (size_t)begin * n + first_row + lane / 4,
        .words_to_next_set =
            (ptrdiff_t)(gridDim.x * ROW_TILES * tile_words) - (ptrdiff_t)count * 64,
        .scales_to_next_set = (ptrdiff_t)(gridDim.x * block_rows) - (ptrdiff_t)count * n,
        .n = n,
        .count = count,
        .left = count,
        .items = sets * count};
    int items = reader.items;
    const bf16 *columns[TILES];
    float sums[TILES][4] = {};
    for (int t = 0; t < TILES; t++) {
        int token = min(t * 8 + lane / 4, tokens - 1);
        columns[t] = x + (size_t)token * k + lane % 4 * 16;
    }
    auto write_rows = [&](int set) {
        for (int t = 0; t < TILES; t++) {
            for (int i = 0; i < 4; i++) {
                shared[split][t * 8 + lane % 4 * 2 + i % 2][16 * tile + lane / 4 + i / 2 * 8] =
                    sums[t][i];
                sums[t][i] = 0;
            }
        }
        __syncthreads();
        for (int i = threadIdx.x; i < tokens * block_rows; i += WARPS * 32) {
            float sum = 0;
            for (int part = 0; part < splits; part++) {
                sum += shared[part][i / block_rows][i % block_rows];
            }
            int to = ((int)blockIdx.x + set * (int)gridDim.x) * block_rows + i % block_rows;
            sum += bias != nullptr ? __bfloat162float(bias[to]) : 0;
            y[(size_t)(i / block_rows) * n + to] = __float2bfloat16(sum);
        }
        __syncthreads();
    };
    struct int4_group ring[DEPTH + 1];
#pragma unroll
    for (int i = 0; i < DEPTH; i++) {
        read_group(&ring[i], &reader);
    }
    int set = 0;
    int done = 0; /* of the set's groups */
    for (int base = 0; base < items; base += DEPTH + 1) {
#pragma unroll
        for (int i = 0; i <= DEPTH; i++) {
            read_group(&ring[(i + DEPTH) % (DEPTH + 1)], &reader);
            if (base + i < items) {
                work_group<TILES>(sums, ring[i], columns, (begin + done) * 128);
                if (++done == count) {
                    write_rows(set++);
                    done = 0;
                }
            }
        }
    }
}

/* Few tokens: a warp takes SET_TILES tiles of 16 rows over a part of the columns, so that inputs
 * are loaded once for all of them, and keeps its weights coming through a ring of its own in shared
 * memory, a group of 128 columns ahead; no other warp waits for it until a set of rows is done. */
template <int SET_TILES> struct ring_stage {
    uint4 words[SET_TILES][2][32];
    bf16 scales[16 * SET_TILES];
};

enum { STAGES = 2 }; /* more leave room for fewer blocks, which was slower (measured: 2, 3, 4, 6) */

__device__ static inline void copy_16(uint32_t to, const void *from)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
}

__device__ static inline void copy_4(uint32_t to, const void *from)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(from));
}

/* Where a warp's next group comes from: groups of one set of rows, then of the next. */
struct group_source {
    const uint4 *words;
    const bf16 *scales;
    ptrdiff_t words_to_next_set; /* from the end of a set's columns */
    ptrdiff_t scales_to_next_set;
    ptrdiff_t tile_words; /* from one tile of rows to the next */
    int n;
    int count; /* groups of a set */
    int left;  /* in this set */
    int items; /* in all sets */
};

template <int SET_TILES>
__device__ static inline void fetch(uint32_t stage, struct group_source *source)
{
    int lane = threadIdx.x % 32;
    if (source->items > 0) {
        const uint4 *from = source->words;
#pragma unroll
        for (int t = 0; t < SET_TILES; t++) {
            copy_16(stage + (uint32_t)t * 1024 + (uint32_t)lane * 16, from);
            copy_16(stage + (uint32_t)t * 1024 + 512 + (uint32_t)lane * 16, from + 32);
            from += source->tile_words;
        }
        if (lane < 8 * SET_TILES) {
            copy_4(stage + SET_TILES * 1024 + (uint32_t)lane * 4, source->scales);
        }
        source->words += 64;
        source->scales += source->n;
        source->items--;
        if (--source->left == 0) {
            source->left = source->count;
            source->words += source->words_to_next_set;
            source->scales += source->scales_to_next_set;
        }
    }
    asm volatile("cp.async.commit_group;");
}

template <int TILES>
__device__ static inline void load_inputs(uint32_t b[TILES][8], const bf16 *const x[TILES],
                                          int column)
{
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        const auto *from = reinterpret_cast<const uint4 *>(x[t] + column);
        *reinterpret_cast<uint4 *>(&b[t][0]) = __ldg(from);
        *reinterpret_cast<uint4 *>(&b[t][4]) = __ldg(from + 1);
    }
}

template <int TILES, int SET_TILES>
__global__ static void __launch_bounds__(WARPS * 32, TILES == 1 ? 3 : 2)
    int4_ring_kernel(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                     bf16 *y, int tokens, int n, int k)
{
    extern __shared__ char memory[];
    constexpr int set_rows = 16 * SET_TILES;
    using stage_type = ring_stage<SET_TILES>;
    auto *sums_of = reinterpret_cast<float(*)[TILES * 8][set_rows + 1]>(
        memory + WARPS * STAGES * sizeof(stage_type));
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    auto *ring = reinterpret_cast<stage_type *>(memory) + warp * STAGES;
    auto ring_address = (uint32_t)__cvta_generic_to_shared(ring);
    const uint32_t ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
    int groups = k / 128;
    int begin = groups * warp / WARPS;
    int count = groups * (warp + 1) / WARPS - begin;
    int sets = (n / set_rows - (int)blockIdx.x + (int)gridDim.x - 1) / (int)gridDim.x;
    int first_row = (int)blockIdx.x * set_rows;
    ptrdiff_t tile_words = (ptrdiff_t)(k / 64) * 32;
    struct group_source source = {
        .words = reinterpret_cast<const uint4 *>(packed) + first_row / 16 * tile_words +
                 (ptrdiff_t)begin * 64 + lane,
        .scales = scales + (ptrdiff_t)begin * n + first_row + 2 * lane,
        .words_to_next_set = (ptrdiff_t)gridDim.x * SET_TILES * tile_words - (ptrdiff_t)count * 64,
        .scales_to_next_set = (ptrdiff_t)gridDim.x * set_rows - (ptrdiff_t)count * n,
        .tile_words = tile_words,
        .n = n,
        .count = count,
        .left = count,
        .items = sets * count};
    const bf16 *columns[TILES];
    for (int t = 0; t < TILES; t++) {
        int token = min(t * 8 + lane / 4, tokens - 1);
        columns[t] = x + (size_t)token * k + begin * 128 + lane % 4 * 16;
    }
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) {
        fetch<SET_TILES>(ring_address + i * (uint32_t)sizeof(stage_type), &source);
    }
    uint32_t b[2][TILES][8]; /* the two halves of a group */
    load_inputs<TILES>(b[0], columns, 0);
    uint32_t place = 0;
    for (int set = 0; set < sets; set++) {
        float sums[SET_TILES][TILES][4] = {};
        for (int group = 0; group < count; group++) {
            float parts[SET_TILES][TILES][4] = {};
            float inputs[TILES][4] = {};
            asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2));
            __syncwarp();
            fetch<SET_TILES>(ring_address +
                                 (place + STAGES - 1) % STAGES * (uint32_t)sizeof(stage_type),
                             &source);
            const stage_type *stage = &ring[place];
            place = (place + 1) % STAGES;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                uint32_t words[SET_TILES][4];
#pragma unroll
                for (int r = 0; r < SET_TILES; r++) {
                    *reinterpret_cast<uint4 *>(words[r]) = stage->words[r][half][lane];
                }
                int next = half == 0 ? group * 128 + 64 : (group + 1 < count ? group + 1 : 0) * 128;
                load_inputs<TILES>(b[1 - half], columns, next);
                /* products that follow each other add up different sums, or each would wait */
#pragma unroll
                for (int step = 0; step < 4; step++) {
#pragma unroll
                    for (int t = 0; t < TILES; t++) {
                        multiply(inputs[t], ones, b[half][t][2 * step], b[half][t][2 * step + 1]);
                    }
#pragma unroll
                    for (int r = 0; r < SET_TILES; r++) {
                        uint32_t a[4];
                        unpack_raw(words[r][step], a);
#pragma unroll
                        for (int t = 0; t < TILES; t++) {
                            multiply(parts[r][t], a, b[half][t][2 * step],
                                     b[half][t][2 * step + 1]);
                        }
                    }
                }
            }
#pragma unroll
            for (int r = 0; r < SET_TILES; r++) {
                float low = __bfloat162float(stage->scales[16 * r + lane / 4]);
                float high = __bfloat162float(stage->scales[16 * r + lane / 4 + 8]);
#pragma unroll
                for (int t = 0; t < TILES; t++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        sums[r][t][i] +=
                            (i < 2 ? low : high) * (parts[r][t][i] - 136 * inputs[t][i % 2]);
                    }
                }
            }
        }
#pragma unroll
        for (int r = 0; r < SET_TILES; r++) {
#pragma unroll
            for (int t = 0; t < TILES; t++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums_of[warp][t * 8 + lane % 4 * 2 + i % 2][16 * r + lane / 4 + i / 2 * 8] =
                        sums[r][t][i];
                }
            }
        }
        __syncthreads();
        for (int i = threadIdx.x; i < tokens * set_rows; i += WARPS * 32) {
            float sum = 0;
#pragma unroll
            for (int part = 0; part < WARPS; part++) {
                sum += sums_of[part][i / set_rows][i % set_rows];
            }
            int to = ((int)blockIdx.x + set * (int)gridDim.x) * set_rows + i % set_rows;
            sum += bias != nullptr ? __bfloat162float(bias[to]) : 0;
            y[(size_t)(i / set_rows) * n + to] = __float2bfloat16(sum);
        }
        __syncthreads();
    }
}

template <int TILES, int SET_TILES>
static void launch_ring(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                        bf16 *y, int tokens, int n, int k, cudaStream_t stream)
{
    constexpr int bytes = (int)(WARPS * STAGES * sizeof(ring_stage<SET_TILES>) +
                                WARPS * TILES * 8 * (16 * SET_TILES + 1) * sizeof(float));
    static int together = 0;
    if (together == 0) {
        int multiprocessors = 0;
        cuda_check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
        cuda_check(cudaFuncSetAttribute(int4_ring_kernel<TILES, SET_TILES>,
                                        cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
        cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
            &together, int4_ring_kernel<TILES, SET_TILES>, WARPS * 32, bytes));
        together *= multiprocessors;
    }
    int sets = n / (16 * SET_TILES);
    int rounds = (sets + together - 1) / together;
    int4_ring_kernel<TILES, SET_TILES><<<(sets + rounds - 1) / rounds, WARPS * 32, bytes, stream>>>(
        packed, scales, bias, x, y, tokens, n, k);
    cuda_check(cudaGetLastError());
}

/* Sets of two tiles load inputs half as often; where there are few rows, sets of one keep more
 * multiprocessors at work (for more tokens, only where there are very few). */
template <int TILES>
static void launch_ring_for(const uint32_t *packed, const bf16 *scales, const bf16 *bias,
                            const bf16 *x, bf16 *y, int tokens, int n, int k, cudaStream_t stream)
{
    if (n > FEW_ROWS / TILES) {
        launch_ring<TILES, 2>(packed, scales, bias, x, y, tokens, n, k, stream);
    } else {
        launch_ring<TILES, 1>(packed, scales, bias, x, y, tokens, n, k, stream);
    }
}

/* As many blocks as run together, or fewer that then have the same number of sets. */
template <int TILES, int ROW_TILES>
static void launch(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                   bf16 *y, int tokens, int n, int k, cudaStream_t stream)
{
    static int together = 0;
    if (together == 0) {
        int multiprocessors = 0;
        cuda_check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
        cuda_check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(
            &together, int4_kernel<TILES, ROW_TILES>, WARPS * 32, 0));
        together *= multiprocessors;
    }
    int sets = n / (16 * ROW_TILES);
    int rounds = (sets + together - 1) / together;
    int4_kernel<TILES, ROW_TILES><<<(sets + rounds - 1) / rounds, WARPS * 32, 0, stream>>>(
        packed, scales, bias, x, y, tokens, n, k);
    cuda_check(cudaGetLastError());
}

template <int TILES>
static void launch_for(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                       bf16 *y, int tokens, int n, int k, cudaStream_t stream)
{
    if (n <= FEW_ROWS) {
        launch<TILES, 1>(packed, scales, bias, x, y, tokens, n, k, stream);
    } else {
        launch<TILES, 2>(packed, scales, bias, x, y, tokens, n, k, stream);
    }
}

void int4_multiply(const uint32_t *packed, const bf16 *scales, const bf16 *bias, const bf16 *x,
                   bf16 *y, int tokens, int n, int k, cudaStream_t stream)
{
    if (tokens <= 8) {
        launch_ring_for<1>(packed, scales, bias, x, y, tokens, n, k, stream);
    } else if (tokens <= 16) {
        launch_ring_for<2>(packed, scales, bias, x, y, tokens, n, k, stream);
    } else if (tokens <= 32) {
        launch_for<4>(packed, scales, bias, x, y, tokens, n, k, stream);
    } else {
        launch_for<8>(packed, scales, bias, x, y, tokens, n, k, stream);
    }
}

/* One warp 16 rows x 64 columns. */
__global__ static void dequantize_kernel(const uint32_t *packed, const bf16 *scales, bf16 *out,
                                         int first_row, int n, int k)
{
    int lane = threadIdx.x % 32;
    int chunk = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    int row = blockIdx.y * 16 + lane / 4;
    if (chunk >= k / 64) {
        return;
    }
    size_t tile = (size_t)(first_row / 16 + blockIdx.y) * (k / 64) + chunk;
    uint4 words = __ldcs(reinterpret_cast<const uint4 *>(packed) + tile * 32 + lane);
    const uint32_t all[4] = {words.x, words.y, words.z, words.w};
    uint32_t low[8];
    uint32_t high[8];
    const bf16 *scale = scales + (size_t)(chunk / 2) * n + first_row + row;
    __nv_bfloat162 low_scale = __bfloat162bfloat162(scale[0]);
    __nv_bfloat162 high_scale = __bfloat162bfloat162(scale[8]);
    for (int step = 0; step < 4; step++) {
        uint32_t a[4];
        unpack(all[step], a);
        for (int i = 0; i < 4; i++) {
            __nv_bfloat162 value = __hmul2(*reinterpret_cast<__nv_bfloat162 *>(&a[i]),
                                           i % 2 == 0 ? low_scale : high_scale);
            (i % 2 == 0 ? low : high)[2 * step + i / 2] = *reinterpret_cast<uint32_t *>(&value);
        }
    }
    auto *to = reinterpret_cast<uint4 *>(out + (size_t)row * k + chunk * 64 + lane % 4 * 16);
    auto *below =
        reinterpret_cast<uint4 *>(out + (size_t)(row + 8) * k + chunk * 64 + lane % 4 * 16);
    to[0] = make_uint4(low[0], low[1], low[2], low[3]);
    to[1] = make_uint4(low[4], low[5], low[6], low[7]);
    below[0] = make_uint4(high[0], high[1], high[2], high[3]);
    below[1] = make_uint4(high[4], high[5], high[6], high[7]);
}

void int4_dequantize(const uint32_t *packed, const bf16 *scales, bf16 *out, int first_row, int rows,
                     int n, int k, cudaStream_t stream)
{
    dim3 grid((k / 64 + 7) / 8, rows / 16);
    dequantize_kernel<<<grid, 256, 0, stream>>>(packed, scales, out, first_row, n, k);
    cuda_check(cudaGetLastError());
}
