#include "profiler/attention.h"

#include <cuda_fp16.h>

#include <algorithm>

#include "profiler/cuda_check.h"

enum {
    HEAD_DIM = 128,
    ROWS = 16,             /* of queries to a tensor-core tile */
    DECODE_WARPS = 4,      /* each takes every fourth page */
    PREFILL_WARPS = 4,     /* each takes 16 query tokens */
    TILE_PAGES = 4,        /* of a prefill tile */
    PARTIAL = HEAD_DIM + 2 /* floats: sums, their maximum, their weight */
};

/* Of a pool: bytes of a token and head, 16-byte chunks of it, pages under way a warp. */
template <bool FP8> struct layout {
    static constexpr int row_bytes = FP8 ? HEAD_DIM : 2 * HEAD_DIM;
    static constexpr int chunks = row_bytes / 16;
    static constexpr int page_bytes = PAGE_TOKENS * row_bytes;
    static constexpr int stages = FP8 ? 6 : 3;
};

__device__ static inline uint32_t shared_address(const void *pointer)
{
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

__device__ static inline void copy16(uint32_t to, const void *from)
{
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to), "l"(from));
}

__device__ static inline void commit_copies(void)
{
    asm volatile("cp.async.commit_group;");
}

template <int LEFT> __device__ static inline void wait_copies(void)
{
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT));
}

__device__ static inline void load_matrices(uint32_t r[4], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
}

__device__ static inline void load_transposed(uint32_t r[4], uint32_t address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address));
}

/* d += a b on 16 x 8 x 16; f16 beside an FP8 cache, else bf16. */
template <bool FP8>
__device__ static inline void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    if constexpr (FP8) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, "
                     "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    } else {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                     "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
}

template <bool FP8> __device__ static inline uint32_t pack(float low, float high)
{
    if constexpr (FP8) {
        __half2 pair = __floats2half2_rn(low, high);
        return *reinterpret_cast<uint32_t *>(&pair);
    } else {
        __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
        return *reinterpret_cast<uint32_t *>(&pair);
    }
}

__device__ static inline uint32_t halves_of_fp8(uint32_t two)
{
    __half2_raw raw = __nv_cvt_fp8x2_to_halfraw2((__nv_fp8x2_storage_t)two, __NV_E4M3);
    return (uint32_t)raw.x | (uint32_t)raw.y << 16;
}

/* A page of one head to shared memory, chunks swizzled by token so that no banks collide. */
template <bool FP8>
__device__ static inline void copy_page(uint32_t to, const char *page, size_t token_bytes,
                                        int thread, int threads)
{
    using L = layout<FP8>;
    for (int i = thread; i < PAGE_TOKENS * L::chunks; i += threads) {
        int token = i / L::chunks;
        int chunk = i % L::chunks;
        copy16(to + token * L::row_bytes + ((chunk ^ (token & 7)) << 4),
               page + token * token_bytes + chunk * 16);
    }
}

/* The dimensions of the queries are dealt to the tensor core in the order in which K's come out of
 * shared memory: for FP8 four neighbours at a time. */
template <bool FP8>
__device__ static inline void load_queries(uint32_t q[8][4], const bf16 *row0, const bf16 *row1)
{
    int c = threadIdx.x % 4;
    for (int s = 0; s < 8; s++) {
        int low = FP8 ? s / 2 * 32 + s % 2 * 16 + 4 * c : s * 16 + 2 * c;
        int high = FP8 ? low + 2 : low + 8;
        for (int half = 0; half < 4; half++) {
            const bf16 *row = half % 2 == 0 ? row0 : row1;
            int dim = half < 2 ? low : high;
            q[s][half] = row == nullptr ? 0
                                        : pack<FP8>(__bfloat162float(row[dim]),
                                                    __bfloat162float(row[dim + 1]));
        }
    }
}

/* Scores of 16 query rows against the 16 tokens of a page, not yet scaled. */
template <bool FP8>
__device__ static inline void score_page(float s[2][4], const uint32_t q[8][4], uint32_t k)
{
    using L = layout<FP8>;
    int matrix = threadIdx.x % 32 / 8;
    int token = matrix / 2 * 8 + threadIdx.x % 8;
    uint32_t row = k + token * L::row_bytes;
    uint32_t b[4];
    for (int n = 0; n < 2; n++) {
        s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0;
    }
#pragma unroll
    for (int step = 0; step < L::chunks / 2; step++) {
        load_matrices(b, row + (((2 * step + matrix % 2) ^ (token & 7)) << 4));
        if constexpr (FP8) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                multiply<FP8>(s[0], q[2 * step + h], halves_of_fp8(b[h] & 0xffff),
                              halves_of_fp8(b[h] >> 16));
                multiply<FP8>(s[1], q[2 * step + h], halves_of_fp8(b[2 + h] & 0xffff),
                              halves_of_fp8(b[2 + h] >> 16));
            }
        } else {
            multiply<FP8>(s[0], q[step], b[0], b[1]);
            multiply<FP8>(s[1], q[step], b[2], b[3]);
        }
    }
}

/* o += p V for the 16 tokens of a page. */
template <bool FP8>
__device__ static inline void add_values(float o[16][4], const uint32_t p[4], uint32_t v)
{
    using L = layout<FP8>;
    int matrix = threadIdx.x % 32 / 8;
    int token = matrix % 2 * 8 + threadIdx.x % 8;
    uint32_t row = v + token * L::row_bytes;
    uint32_t b[4];
#pragma unroll
    for (int j = 0; j < L::chunks / 2; j++) {
        load_transposed(b, row + (((2 * j + matrix / 2) ^ (token & 7)) << 4));
        if constexpr (FP8) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                uint32_t a0 = halves_of_fp8(b[2 * h] & 0xffff);
                uint32_t a1 = halves_of_fp8(b[2 * h] >> 16);
                uint32_t b0 = halves_of_fp8(b[2 * h + 1] & 0xffff);
                uint32_t b1 = halves_of_fp8(b[2 * h + 1] >> 16);
                int tile = 2 * (2 * j + h);
                multiply<FP8>(o[tile], p, __byte_perm(a0, a1, 0x5410), __byte_perm(b0, b1, 0x5410));
                multiply<FP8>(o[tile + 1], p, __byte_perm(a0, a1, 0x7632),
                              __byte_perm(b0, b1, 0x7632));
            }
        } else {
            multiply<FP8>(o[2 * j], p, b[0], b[1]);
            multiply<FP8>(o[2 * j + 1], p, b[2], b[3]);
        }
    }
}

/* The dimension of column n (0 to 7) of output tile 'tile'. */
template <bool FP8> __device__ static inline int output_dim(int tile, int n)
{
    return FP8 ? tile / 2 * 16 + 2 * n + tile % 2 : tile * 8 + n;
}

/* Running softmax of two rows a lane. */
struct softmax {
    float maximum[2];
    float weight[2];
};

/* 2^x, as the hardware has it. */
__device__ static inline float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ static inline float score_scale(void)
{
    return 1.4426950408889634f * 0.08838834764831845f; /* log2(e) / sqrt(128) */
}

/* Turns COLUMNS x 8 scores into weights 2^(scale (s - maximum)), rescaling what was summed before.
 */
template <int COLUMNS>
__device__ static inline void weigh(float (*s)[4], float o[16][4], struct softmax *state)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float best = state->maximum[r];
#pragma unroll
        for (int n = 0; n < COLUMNS; n++) {
            best = fmaxf(best, fmaxf(s[n][2 * r], s[n][2 * r + 1]));
        }
        best = fmaxf(best, __shfl_xor_sync(0xffffffff, best, 1));
        best = fmaxf(best, __shfl_xor_sync(0xffffffff, best, 2));
        float base = best == -INFINITY ? 0 : best * score_scale();
        float rescale = exp2_fast(state->maximum[r] * score_scale() - base);
        float sum = 0;
#pragma unroll
        for (int n = 0; n < COLUMNS; n++) {
            s[n][2 * r] = exp2_fast(s[n][2 * r] * score_scale() - base);
            s[n][2 * r + 1] = exp2_fast(s[n][2 * r + 1] * score_scale() - base);
            sum += s[n][2 * r] + s[n][2 * r + 1];
        }
        sum += __shfl_xor_sync(0xffffffff, sum, 1);
        sum += __shfl_xor_sync(0xffffffff, sum, 2);
        state->weight[r] = state->weight[r] * rescale + sum;
        state->maximum[r] = best;
#pragma unroll
        for (int t = 0; t < 16; t++) {
            o[t][2 * r] *= rescale;
            o[t][2 * r + 1] *= rescale;
        }
    }
}

/* What a decode block works on. */
struct decode_place {
    int request;
    int kv_head;
    int first_row; /* of the group's heads times query tokens */
    int split;
};

__device__ static inline const bf16 *query_row(const struct attention_call &call,
                                               const struct decode_place &place, int row)
{
    int group = call.heads / call.kv_heads;
    int token = (place.first_row + row) / group;
    int head = place.kv_head * group + (place.first_row + row) % group;
    if (token >= call.query_tokens) {
        return nullptr;
    }
    size_t index = (size_t)place.request * call.query_tokens + token;
    return call.qkv + (index * (call.heads + 2 * call.kv_heads) + head) * HEAD_DIM;
}

/* Sums of the four warps come together in shared memory and leave it as output or as a part of it.
 */
template <bool FP8>
__device__ static void merge_warps(float o[16][4], const struct softmax &state, float *shared,
                                   const struct attention_call &call,
                                   const struct decode_place &place, int splits, float *partial)
{
    int warp = threadIdx.x / 32;
    int g = threadIdx.x % 32 / 4;
    int c = threadIdx.x % 4;
    float *sums = shared;
    float *maxima = shared + DECODE_WARPS * ROWS * HEAD_DIM;
    float *weights = maxima + DECODE_WARPS * ROWS;
    __syncthreads();
    for (int r = 0; r < 2; r++) {
        int row = warp * ROWS + g + 8 * r;
        for (int t = 0; t < 16; t++) {
            sums[row * HEAD_DIM + output_dim<FP8>(t, 2 * c)] = o[t][2 * r];
            sums[row * HEAD_DIM + output_dim<FP8>(t, 2 * c + 1)] = o[t][2 * r + 1];
        }
        if (c == 0) {
            maxima[row] = state.maximum[r] * score_scale();
            weights[row] = state.weight[r];
        }
    }
    __syncthreads();
    int group = call.heads / call.kv_heads;
    int rows = min(ROWS, group * call.query_tokens - place.first_row);
    for (int row = 0; row < rows; row++) {
        float best = -INFINITY;
        for (int w = 0; w < DECODE_WARPS; w++) {
            best = fmaxf(best, maxima[w * ROWS + row]);
        }
        float base = best == -INFINITY ? 0 : best;
        float sum = 0;
        float weight = 0;
        for (int w = 0; w < DECODE_WARPS; w++) {
            float factor = exp2f(maxima[w * ROWS + row] - base);
            sum += sums[(w * ROWS + row) * HEAD_DIM + threadIdx.x] * factor;
            weight += weights[w * ROWS + row] * factor;
        }
        int token = (place.first_row + row) / group;
        int head = place.kv_head * group + (place.first_row + row) % group;
        size_t index = ((size_t)place.request * call.query_tokens + token) * call.heads + head;
        if (splits == 1) {
            call.out[index * HEAD_DIM + threadIdx.x] = __float2bfloat16(sum / weight);
            continue;
        }
        float *part = partial + (index * splits + place.split) * PARTIAL;
        part[threadIdx.x] = sum;
        if (threadIdx.x == 0) {
            part[HEAD_DIM] = best;
            part[HEAD_DIM + 1] = weight;
        }
    }
}

template <bool FP8>
__global__ static void __launch_bounds__(DECODE_WARPS * 32, 2)
    decode_kernel(struct attention_call call, int splits, float *partial)
{
    using L = layout<FP8>;
    extern __shared__ __align__(128) char shared[];
    cudaTriggerProgrammaticLaunchCompletion(); /* a product may begin to fetch its weights */
    int warp = threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    struct decode_place place = {.request = (int)blockIdx.z,
                                 .kv_head = (int)blockIdx.y,
                                 .first_row = (int)blockIdx.x / splits * ROWS,
                                 .split = (int)blockIdx.x % splits};
    int group = call.heads / call.kv_heads;
    int length = call.lengths[place.request];
    int pages = (length + PAGE_TOKENS - 1) / PAGE_TOKENS;
    int share = (pages + splits - 1) / splits;
    int end = min(pages, (place.split + 1) * share);
    const int *table = call.page_table + (size_t)place.request * call.table_stride;
    size_t token_bytes = (size_t)call.kv_heads * L::row_bytes;
    const char *k_pool = static_cast<const char *>(call.k_pool) + place.kv_head * L::row_bytes;
    const char *v_pool = static_cast<const char *>(call.v_pool) + place.kv_head * L::row_bytes;
    uint32_t buffer = shared_address(shared) + warp * L::stages * 2 * L::page_bytes;
    auto fetch = [&](int page, int stage) {
        if (page < end) {
            size_t offset = (size_t)table[page] * PAGE_TOKENS * token_bytes;
            uint32_t to = buffer + stage * 2 * L::page_bytes;
            copy_page<FP8>(to, k_pool + offset, token_bytes, lane, 32);
            copy_page<FP8>(to + L::page_bytes, v_pool + offset, token_bytes, lane, 32);
        }
        commit_copies();
    };
    uint32_t q[8][4];
    int g = lane / 4;
    load_queries<FP8>(q, query_row(call, place, g), query_row(call, place, g + 8));
    /* the last token that each of a lane's two rows sees */
    int last[2];
    for (int r = 0; r < 2; r++) {
        last[r] = length - call.query_tokens + (place.first_row + g + 8 * r) / group;
    }
    int seen_by_all = length - call.query_tokens + 1;
    float o[16][4] = {};
    struct softmax state = {{-INFINITY, -INFINITY}, {0, 0}};
    int page = place.split * share + warp;
    for (int stage = 0; stage < L::stages - 1; stage++) {
        fetch(page + stage * DECODE_WARPS, stage);
    }
    for (int stage = 0; page < end; page += DECODE_WARPS) {
        fetch(page + (L::stages - 1) * DECODE_WARPS, (stage + L::stages - 1) % L::stages);
        wait_copies<L::stages - 1>();
        __syncwarp();
        uint32_t k = buffer + stage * 2 * L::page_bytes;
        float s[2][4];
        score_page<FP8>(s, q, k);
        for (int i = 0; i < 8 && (page + 1) * PAGE_TOKENS > seen_by_all; i++) {
            int token = page * PAGE_TOKENS + i / 4 * 8 + lane % 4 * 2 + i % 2;
            s[i / 4][i % 4] = token <= last[i % 4 / 2] ? s[i / 4][i % 4] : -INFINITY;
        }
        weigh<2>(s, o, &state);
        uint32_t p[4] = {pack<FP8>(s[0][0], s[0][1]), pack<FP8>(s[0][2], s[0][3]),
                         pack<FP8>(s[1][0], s[1][1]), pack<FP8>(s[1][2], s[1][3])};
        add_values<FP8>(o, p, k + L::page_bytes);
        __syncwarp();
        stage = (stage + 1) % L::stages;
    }
    wait_copies<0>();
    merge_warps<FP8>(o, state, reinterpret_cast<float *>(shared), call, place, splits, partial);
}

__global__ static void combine_kernel(const float *partial, bf16 *out, int splits)
{
    cudaTriggerProgrammaticLaunchCompletion();
    const float *parts = partial + (size_t)blockIdx.x * splits * PARTIAL;
    float best = -INFINITY;
    for (int i = 0; i < splits; i++) {
        best = fmaxf(best, parts[i * PARTIAL + HEAD_DIM]);
    }
    float sum = 0;
    float weight = 0;
    for (int i = 0; i < splits; i++) {
        float factor = exp2f(parts[i * PARTIAL + HEAD_DIM] - best);
        sum += parts[i * PARTIAL + threadIdx.x] * factor;
        weight += parts[i * PARTIAL + HEAD_DIM + 1] * factor;
    }
    out[(size_t)blockIdx.x * HEAD_DIM + threadIdx.x] = __float2bfloat16(sum / weight);
}

size_t attention_partial_floats(const struct attention_call *call, int splits)
{
    return (size_t)call->requests * call->query_tokens * call->heads * splits * PARTIAL;
}

int attention_splits(int requests, int kv_heads, int context, int multiprocessors)
{
    int blocks = requests * kv_heads;
    int most = std::max(1, context / 256);
    int splits = (2 * multiprocessors + blocks / 2) / blocks;
    return std::max(1, std::min(std::min(splits, most), (int)MOST_SPLITS));
}

template <bool FP8>
static void launch_decode(const struct attention_call *call, int splits, float *partial,
                          cudaStream_t stream)
{
    using L = layout<FP8>;
    int pipeline = DECODE_WARPS * L::stages * 2 * L::page_bytes;
    int merging = DECODE_WARPS * ROWS * (HEAD_DIM + 2) * (int)sizeof(float);
    int bytes = std::max(pipeline, merging);
    int rows = call->heads / call->kv_heads * call->query_tokens;
    dim3 grid(splits * ((rows + ROWS - 1) / ROWS), call->kv_heads, call->requests);
    cuda_check(cudaFuncSetAttribute(decode_kernel<FP8>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    bytes));
    decode_kernel<FP8><<<grid, DECODE_WARPS * 32, bytes, stream>>>(*call, splits, partial);
    cuda_check(cudaGetLastError());
    if (splits > 1) {
        combine_kernel<<<call->requests * call->query_tokens * call->heads, HEAD_DIM, 0, stream>>>(
            partial, call->out, splits);
        cuda_check(cudaGetLastError());
    }
}

void attention_decode(const struct attention_call *call, int splits, float *partial,
                      cudaStream_t stream)
{
    if (call->type == kv_type::fp8) {
        launch_decode<true>(call, splits, partial, stream);
    } else {
        launch_decode<false>(call, splits, partial, stream);
    }
}

template <bool FP8>
__device__ static inline void copy_tile(uint32_t to, const char *pool, const int *table, int tile,
                                        int pages, size_t token_bytes)
{
    /* a warp a page; pages beyond the context repeat the last and are masked */
    for (int sub = threadIdx.x / 32; sub < TILE_PAGES; sub += PREFILL_WARPS) {
        int page = table[min(tile * TILE_PAGES + sub, pages - 1)];
        copy_page<FP8>(to + sub * layout<FP8>::page_bytes,
                       pool + (size_t)page * PAGE_TOKENS * token_bytes, token_bytes,
                       threadIdx.x % 32, 32);
    }
}

template <bool FP8>
__device__ static inline void write_rows(const struct attention_call &call, float o[16][4],
                                         const struct softmax &state, int request, int head,
                                         int row)
{
    int c = threadIdx.x % 4;
    for (int r = 0; r < 2; r++) {
        int token = row + 8 * r;
        if (token >= call.query_tokens) {
            continue;
        }
        size_t index = ((size_t)request * call.query_tokens + token) * call.heads + head;
        for (int t = 0; t < 16; t++) {
            for (int n = 0; n < 2; n++) {
                call.out[index * HEAD_DIM + output_dim<FP8>(t, 2 * c + n)] =
                    __float2bfloat16(o[t][2 * r + n] / state.weight[r]);
            }
        }
    }
}

template <bool FP8>
__global__ static void __launch_bounds__(PREFILL_WARPS * 32, 3)
    prefill_kernel(struct attention_call call)
{
    using L = layout<FP8>;
    enum { BLOCK_ROWS = PREFILL_WARPS * ROWS, TILE_TOKENS = TILE_PAGES * PAGE_TOKENS };
    extern __shared__ __align__(128) char shared[];
    int request = blockIdx.z;
    int head = blockIdx.y;
    int kv_head = head / (call.heads / call.kv_heads);
    int first = ((int)gridDim.x - 1 - (int)blockIdx.x) * BLOCK_ROWS; /* the longest first */
    int length = call.lengths[request];
    int pages = (length + PAGE_TOKENS - 1) / PAGE_TOKENS;
    int row = first + threadIdx.x / 32 * ROWS + threadIdx.x % 32 / 4;
    int context = length - call.query_tokens;
    int seen = min(length, context + first + BLOCK_ROWS);
    int tiles = (seen + TILE_TOKENS - 1) / TILE_TOKENS;
    const int *table = call.page_table + (size_t)request * call.table_stride;
    size_t token_bytes = (size_t)call.kv_heads * L::row_bytes;
    const char *k_pool = static_cast<const char *>(call.k_pool) + kv_head * L::row_bytes;
    const char *v_pool = static_cast<const char *>(call.v_pool) + kv_head * L::row_bytes;
    uint32_t base = shared_address(shared);
    constexpr int tile_bytes = TILE_PAGES * L::page_bytes;
    const bf16 *rows[2];
    for (int r = 0; r < 2; r++) {
        size_t index = (size_t)request * call.query_tokens + row + 8 * r;
        rows[r] = row + 8 * r < call.query_tokens
                      ? call.qkv + (index * (call.heads + 2 * call.kv_heads) + head) * HEAD_DIM
                      : nullptr;
    }
    uint32_t q[8][4];
    load_queries<FP8>(q, rows[0], rows[1]);
    float o[16][4] = {};
    struct softmax state = {{-INFINITY, -INFINITY}, {0, 0}};
    copy_tile<FP8>(base, k_pool, table, 0, pages, token_bytes);
    copy_tile<FP8>(base + tile_bytes, v_pool, table, 0, pages, token_bytes);
    commit_copies();
    for (int tile = 0; tile < tiles; tile++) {
        uint32_t k = base + tile % 2 * 2 * tile_bytes;
        if (tile + 1 < tiles) {
            uint32_t next = base + (tile + 1) % 2 * 2 * tile_bytes;
            copy_tile<FP8>(next, k_pool, table, tile + 1, pages, token_bytes);
            copy_tile<FP8>(next + tile_bytes, v_pool, table, tile + 1, pages, token_bytes);
        }
        commit_copies();
        wait_copies<1>();
        __syncthreads();
        float s[2 * TILE_PAGES][4];
#pragma unroll
        for (int sub = 0; sub < TILE_PAGES; sub++) {
            score_page<FP8>(&s[2 * sub], q, k + sub * L::page_bytes);
        }
        if ((tile + 1) * TILE_TOKENS > context + first + 1) {
#pragma unroll
            for (int n = 0; n < 2 * TILE_PAGES; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    int token = tile * TILE_TOKENS + n * 8 + threadIdx.x % 4 * 2 + i % 2;
                    s[n][i] = token > context + row + 8 * (i / 2) ? -INFINITY : s[n][i];
                }
            }
        }
        weigh<2 * TILE_PAGES>(s, o, &state);
#pragma unroll
        for (int sub = 0; sub < TILE_PAGES; sub++) {
            uint32_t p[4] = {pack<FP8>(s[2 * sub][0], s[2 * sub][1]),
                             pack<FP8>(s[2 * sub][2], s[2 * sub][3]),
                             pack<FP8>(s[2 * sub + 1][0], s[2 * sub + 1][1]),
                             pack<FP8>(s[2 * sub + 1][2], s[2 * sub + 1][3])};
            add_values<FP8>(o, p, k + tile_bytes + sub * L::page_bytes);
        }
        __syncthreads();
    }
    write_rows<FP8>(call, o, state, request, head, row);
}

template <bool FP8>
static void launch_prefill(const struct attention_call *call, cudaStream_t stream)
{
    int bytes = 2 * 2 * TILE_PAGES * layout<FP8>::page_bytes;
    int block_rows = PREFILL_WARPS * ROWS;
    dim3 grid((call->query_tokens + block_rows - 1) / block_rows, call->heads, call->requests);
    cuda_check(cudaFuncSetAttribute(prefill_kernel<FP8>,
                                    cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    prefill_kernel<FP8><<<grid, PREFILL_WARPS * 32, bytes, stream>>>(*call);
    cuda_check(cudaGetLastError());
}

void attention_prefill(const struct attention_call *call, cudaStream_t stream)
{
    if (call->type == kv_type::fp8) {
        launch_prefill<true>(call, stream);
    } else {
        launch_prefill<false>(call, stream);
    }
}
