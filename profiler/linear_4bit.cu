#include "profiler/linear_4bit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "profiler/four_bit_unit.h"

enum {
    STAGES = 2,         /* units of a warp in shared memory, the one in work included */
    WORTH_SHARING = 48, /* units that some blocks would have more than others */
    MOST_BLOCKS = 256,
    MOST_ROWS = 1 << 18
};

struct problem {
    const void *units;
    const bf16 *bias;
    const bf16 *x;
    bf16 *y;
    int tokens;
    int n;    /* of the whole layer, */
    int sets; /* of which so many sets of rows are worked on */
    int k;
    struct nf4_table table;
    int step;         /* units that blocks do not share: 1, or all of a set of rows */
    float *parts;     /* [blocks][2][tokens][SET_ROWS]: of sets that blocks share */
    unsigned *counts; /* [n / SET_ROWS]: blocks that are done with such a set */
};

__device__ static inline void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
        "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* A warp's units in shared memory, and barriers that say when one has arrived. */
template <weight_type FORMAT> struct unit_ring {
    unit<FORMAT> units[STAGES];
    uint64_t arrived[STAGES];
};

__device__ static inline uint32_t shared_address(const void *pointer)
{
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

template <weight_type FORMAT>
__device__ static inline void ring_init(struct unit_ring<FORMAT> *ring)
{
    if (threadIdx.x % 32 == 0) {
        for (int i = 0; i < STAGES; i++) {
            asm volatile(
                "mbarrier.init.shared.b64 [%0], 1;" ::"r"(shared_address(&ring->arrived[i])));
        }
        asm volatile("fence.mbarrier_init.release.cluster;");
    }
    __syncwarp();
}

/* Starts one copy of a whole unit; the copy engine does the rest. */
template <weight_type FORMAT>
__device__ static inline void fetch(struct unit_ring<FORMAT> *ring, int stage,
                                    const unit<FORMAT> *from)
{
    if (threadIdx.x % 32 == 0) {
        uint32_t barrier = shared_address(&ring->arrived[stage]);
        asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(barrier),
                     "n"((int)sizeof(unit<FORMAT>)));
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
                     "[%0], [%1], %2, [%3];" ::"r"(shared_address(&ring->units[stage])),
                     "l"(from), "n"((int)sizeof(unit<FORMAT>)), "r"(barrier)
                     : "memory");
    }
}

/* 'parity' is that of how often the stage was filled before. */
template <weight_type FORMAT>
__device__ static inline void wait_for(struct unit_ring<FORMAT> *ring, int stage, uint32_t parity)
{
    uint32_t done = 0;
    while (!done) {
        asm volatile("{.reg .pred p;\n"
                     "mbarrier.try_wait.parity.shared.b64 p, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, p;}"
                     : "=r"(done)
                     : "r"(shared_address(&ring->arrived[stage])), "r"(parity)
                     : "memory");
    }
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

/* sums += scale * (parts - excess), the scales those of the lane's rows. */
template <int TILES>
__device__ static inline void add_scaled(float sums[2][TILES][4], const float parts[2][TILES][4],
                                         const float inputs[TILES][4], float excess,
                                         const bf16 *scales)
{
    int g = threadIdx.x % 32 / 4;
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float low = __bfloat162float(scales[16 * r + g]);
        float high = __bfloat162float(scales[16 * r + g + 8]);
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                sums[r][t][i] +=
                    (i < 2 ? low : high) * (parts[r][t][i] - excess * inputs[t][i % 2]);
            }
        }
    }
}

/* One unit: 32 rows by 128 columns, from shared memory. 'b' holds the inputs of its first half, and
 * then those of the first half at 'next_column'. */
template <weight_type FORMAT, int TILES>
__device__ static inline void work_unit(float sums[2][TILES][4], const unit<FORMAT> *unit,
                                        uint32_t b[TILES][8], const bf16 *const x[TILES],
                                        int column, int next_column, uint32_t magic,
                                        const struct nf4_table &table)
{
    constexpr bool nf4 = FORMAT == weight_type::nf4;
    /* of few tokens the sums of the inputs cost less than centering each weight */
    constexpr bool raw = !nf4 && TILES == 1;
    const uint32_t ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
    int lane = threadIdx.x % 32;
    float parts[2][TILES][4] = {};
    float inputs[TILES][4] = {};
#pragma unroll
    for (int half = 0; half < 2; half++) {
        uint32_t words[2][4];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            *reinterpret_cast<uint4 *>(words[r]) = unit->words[r][half][lane];
        }
        uint32_t ahead[TILES][8];
        load_inputs<TILES>(ahead, x, half == 0 ? column + 64 : next_column);
        /* products that follow each other add up different sums, or each would wait */
#pragma unroll
        for (int step = 0; step < 4; step++) {
            if constexpr (raw) {
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiply(inputs[t], ones, b[t][2 * step], b[t][2 * step + 1]);
                }
            }
#pragma unroll
            for (int r = 0; r < 2; r++) {
                uint32_t a[4];
                unpack<FORMAT, raw>(words[r][step], magic, table, a);
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiply(parts[r][t], a, b[t][2 * step], b[t][2 * step + 1]);
                }
            }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                b[t][i] = ahead[t][i];
            }
        }
        if constexpr (nf4) {
            add_scaled<TILES>(sums, parts, inputs, 0, unit->scales[half]);
            memset(parts, 0, sizeof parts);
        }
    }
    if constexpr (!nf4) {
        add_scaled<TILES>(sums, parts, inputs, raw ? 136 : 0, unit->scales[0]);
    }
}

/* The first unit of a block's share; units are counted along the columns of one set of rows, then
 * of the next. */
__device__ static inline int first_unit(const struct problem &problem, int block)
{
    unsigned steps = (unsigned)(problem.sets * (problem.k / GROUP) / problem.step);
    return (int)(steps * (unsigned)block / gridDim.x) * problem.step;
}

enum { MOST_SETS = 24 /* that a block touches */ };

/* What a block's warps leave for its end. */
template <int WARPS, int TILES> struct block_memory {
    int begin[WARPS + 1];    /* warp w takes the units [begin[w], begin[w + 1]) */
    int warps[MOST_SETS][2]; /* of the block's sets: the first warp that has units of it, and the
                              * one after the last */
    int sharers[2][2]; /* of its first and last set: first block, and the one after the last */
    int is_last;
    /* a warp's sums of the first set that it touches and of the second; it touches no more */
    float slots[WARPS][2][TILES * 8][SET_ROWS + 1];
};

/* Only the first of a set's warps can have begun in the set before. */
template <int WARPS, int TILES>
__device__ static inline float sum_of(const block_memory<WARPS, TILES> *memory, int set, int nth,
                                      int groups, int token, int row)
{
    int warp = memory->warps[nth][0];
    int end = memory->warps[nth][1];
    float sum = memory->slots[warp][memory->begin[warp] < set * groups ? 1 : 0][token][row];
    for (int w = warp + 1; w < end; w++) {
        sum += memory->slots[w][0][token][row];
    }
    return sum;
}

/* Who else works on a set of rows: blocks [ret_range[0], ret_range[1]). */
__device__ static void find_sharers(const struct problem &problem, int set, int ret_range[2])
{
    int groups = problem.k / GROUP;
    int first = blockIdx.x;
    int end = blockIdx.x + 1;
    while (first_unit(problem, first) > set * groups) {
        first--;
    }
    while (end < (int)gridDim.x && first_unit(problem, end) < (set + 1) * groups) {
        end++;
    }
    ret_range[0] = first;
    ret_range[1] = end;
}

/* Fills the tables of a block, while its first weights are on their way. */
template <int WARPS, int TILES>
__device__ static inline void make_tables(const struct problem &problem,
                                          block_memory<WARPS, TILES> *memory, int first, int units)
{
    int groups = problem.k / GROUP;
    int first_set = first / groups;
    int last_set = (first + units - 1) / groups;
    int i = threadIdx.x;
    if (i <= WARPS) {
        memory->begin[i] = first + units * i / WARPS;
    }
    if (i >= 32 && i - 32 <= last_set - first_set) {
        int from = (first_set + i - 32) * groups;
        int warp = 0;
        while (first + units * (warp + 1) / WARPS <= from) {
            warp++;
        }
        memory->warps[i - 32][0] = warp;
        while (warp < WARPS && first + units * warp / WARPS < from + groups) {
            warp++;
        }
        memory->warps[i - 32][1] = warp;
    }
    if (i == 64 || i == 65) {
        find_sharers(problem, i == 64 ? first_set : last_set, memory->sharers[i - 64]);
    }
}

__device__ static inline void write(const struct problem &problem, int set, int token, int row,
                                    float sum)
{
    int to = set * SET_ROWS + row;
    sum += problem.bias != nullptr ? __bfloat162float(problem.bias[to]) : 0;
    problem.y[(size_t)token * problem.n + to] = __float2bfloat16(sum);
}

/* A set that blocks share, the first or the last of this one: each leaves its part, the last to
 * come adds them up. */
template <int WARPS, int TILES>
__device__ static void share_set(const struct problem &problem, block_memory<WARPS, TILES> *memory,
                                 int set, int nth, int is_end)
{
    int groups = problem.k / GROUP;
    int outputs = problem.tokens * SET_ROWS;
    int first = memory->sharers[is_end][0];
    int end = memory->sharers[is_end][1];
    size_t stride = (size_t)outputs;
    for (int i = threadIdx.x; i < outputs; i += WARPS * 32) {
        problem.parts[((size_t)blockIdx.x * 2 + (nth > 0 ? 1 : 0)) * stride + i] =
            sum_of<WARPS, TILES>(memory, set, nth, groups, i / SET_ROWS, i % SET_ROWS);
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        memory->is_last = atomicAdd(&problem.counts[set], 1u) == (unsigned)(end - first - 1);
    }
    __syncthreads();
    if (!memory->is_last) {
        return;
    }
    __threadfence();
    for (int i = threadIdx.x; i < outputs; i += WARPS * 32) {
        /* only the first can have begun in the set before */
        int its = first_unit(problem, first) / groups == set ? 0 : 1;
        float sum = 0;
        for (int block = first; block < end; block++, its = 0) {
            sum += __ldcg(&problem.parts[((size_t)block * 2 + its) * stride + i]);
        }
        write(problem, set, i / SET_ROWS, i % SET_ROWS, sum);
    }
    if (threadIdx.x == 0) {
        problem.counts[set] = 0;
    }
}

/* One block a multiprocessor; its warps share its units evenly and wait for each other only at the
 * end. Each keeps its weights coming through a ring of its own in shared memory. */
template <weight_type FORMAT, int TILES, int WARPS>
__global__ static void __launch_bounds__(WARPS * 32, 1)
    four_bit_kernel(const struct problem problem)
{
    extern __shared__ __align__(16) char shared[];
    auto *memory =
        reinterpret_cast<block_memory<WARPS, TILES> *>(shared + WARPS * sizeof(unit_ring<FORMAT>));
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    auto *ring = reinterpret_cast<struct unit_ring<FORMAT> *>(shared) + warp;
    int groups = problem.k / GROUP;
    int first = first_unit(problem, blockIdx.x);
    int units = first_unit(problem, blockIdx.x + 1) - first;
    int begin = first + units * warp / WARPS;
    int end = first + units * (warp + 1) / WARPS;
    int group = begin % groups;
    const auto *weights = static_cast<const unit<FORMAT> *>(problem.units);
    cudaTriggerProgrammaticLaunchCompletion(); /* a product behind may begin to fetch its weights */
    ring_init<FORMAT>(ring);
    for (int i = 0; i < STAGES - 1 && begin + i < end; i++) {
        fetch<FORMAT>(ring, i, weights + begin + i);
    }
    make_tables<WARPS, TILES>(problem, memory, first, units);
    cudaGridDependencySynchronize(); /* x is there, y and the workspace are free */
    const bf16 *x[TILES];
    for (int t = 0; t < TILES; t++) {
        int token = min(t * 8 + lane / 4, problem.tokens - 1);
        x[t] = problem.x + (size_t)token * problem.k + lane % 4 * 16;
    }
    uint32_t b[TILES][8];
    load_inputs<TILES>(b, x, group * GROUP);
    float sums[2][TILES][4] = {};
    int slot = 0;
    auto store = [&]() {
#pragma unroll
        for (int r = 0; r < 2; r++) {
#pragma unroll
            for (int t = 0; t < TILES; t++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    memory->slots[warp][slot][t * 8 + lane % 4 * 2 + i % 2]
                                 [16 * r + lane / 4 + i / 2 * 8] = sums[r][t][i];
                    sums[r][t][i] = 0;
                }
            }
        }
        slot = 1;
    };
    uint32_t magic = kept_in_register(magic_of<FORMAT>);
    int stage = 0;
    uint32_t parity = 0;
    for (int unit = begin; unit < end; unit++) {
        wait_for<FORMAT>(ring, stage, parity);
        __syncwarp(); /* all lanes are done with the unit before */
        if (unit + STAGES - 1 < end) {
            fetch<FORMAT>(ring, (stage + STAGES - 1) % STAGES, weights + unit + STAGES - 1);
        }
        int next = group + 1 < groups ? group + 1 : 0;
        work_unit<FORMAT, TILES>(sums, &ring->units[stage], b, x, group * GROUP, next * GROUP,
                                 magic, problem.table);
        stage = (stage + 1) % STAGES;
        parity ^= stage == 0 ? 1 : 0;
        group = next;
        if (group == 0) {
            store();
        }
    }
    if (group != 0 || begin == end) { /* zeros where there was no work */
        store();
    }
    __syncthreads();
    int first_set = first / groups;
    int last_set = (first + units - 1) / groups;
    int from = (first + groups - 1) / groups; /* whole sets */
    int to = (first + units) / groups;
    int outputs = problem.tokens * SET_ROWS;
    for (int i = threadIdx.x; i < (to - from) * outputs; i += WARPS * 32) {
        int its = from + i / outputs;
        int token = i % outputs / SET_ROWS;
        write(problem, its, token, i % SET_ROWS,
              sum_of<WARPS, TILES>(memory, its, its - first_set, groups, token, i % SET_ROWS));
    }
    if (first_set < from) {
        share_set<WARPS, TILES>(problem, memory, first_set, 0, 0);
    }
    if (last_set >= to && last_set >= from) {
        share_set<WARPS, TILES>(problem, memory, last_set, last_set - first_set, 1);
    }
}

void four_bit_workspace::allocate(void)
{
    parts.allocate((size_t)MOST_BLOCKS * 2 * FOUR_BIT_MOST_TOKENS * SET_ROWS, "shared rows");
    counts.allocate(MOST_ROWS / SET_ROWS, "shared rows");
    cuda_check(cudaMemset(counts.get(), 0, counts.size() * sizeof(unsigned)));
}

template <weight_type FORMAT, int TILES, int WARPS>
static void launch(const struct problem &problem, int blocks, cudaStream_t stream)
{
    auto *kernel = four_bit_kernel<FORMAT, TILES, WARPS>;
    size_t bytes = WARPS * sizeof(unit_ring<FORMAT>) + sizeof(block_memory<WARPS, TILES>);
    cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    (int)bytes)); /* for each device anew */
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(blocks);
    config.blockDim = dim3(WARPS * 32);
    config.dynamicSmemBytes = bytes;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = 1;
    cuda_check(cudaLaunchKernelEx(&config, kernel, problem));
}

/* Rows are taken at a time so that no warp touches more than two sets, and the tables hold a
 * block's. */
template <weight_type FORMAT, int TILES, int WARPS>
static void launch_rows(struct problem problem, int blocks, cudaStream_t stream)
{
    int all = problem.n / SET_ROWS;
    int most = blocks * std::min(WARPS, (int)MOST_SETS - 2);
    for (int first = 0; first < all; first += most) {
        struct problem part = problem;
        part.sets = std::min(most, all - first);
        part.units =
            static_cast<const unit<FORMAT> *>(problem.units) + (size_t)first * (problem.k / GROUP);
        part.bias += problem.bias != nullptr ? first * SET_ROWS : 0;
        part.y += first * SET_ROWS;
        int groups = problem.k / GROUP;
        double rounds = (double)part.sets / blocks;
        part.step = (std::ceil(rounds) - rounds) * groups > WORTH_SHARING ? 1 : groups;
        int steps = part.sets * groups / part.step;
        launch<FORMAT, TILES, WARPS>(part, std::min(blocks, steps), stream); /* none without work */
    }
}

template <weight_type FORMAT>
static void launch_tokens(const struct problem &problem, int blocks, cudaStream_t stream)
{
    if (problem.tokens <= 8) {
        launch_rows<FORMAT, 1, 16>(problem, blocks, stream);
    } else if (problem.tokens <= 16) {
        launch_rows<FORMAT, 2, 16>(problem, blocks, stream);
    } else {
        launch_rows<FORMAT, 4, 8>(problem, blocks, stream);
    }
}

void four_bit_multiply(const struct four_bit_workspace *workspace, const struct linear *linear,
                       const bf16 *x, bf16 *y, int tokens, cudaStream_t stream)
{
    static const struct nf4_table table = nf4_table_make();
    int device = 0;
    int blocks = 0;
    cuda_check(cudaGetDevice(&device));
    cuda_check(cudaDeviceGetAttribute(&blocks, cudaDevAttrMultiProcessorCount, device));
    struct problem problem = {.units = linear->units.get(),
                              .bias = linear->bias.get(),
                              .x = x,
                              .y = y,
                              .tokens = tokens,
                              .n = linear->n,
                              .sets = 0,
                              .k = linear->k,
                              .table = table,
                              .step = 1,
                              .parts = workspace->parts.get(),
                              .counts = workspace->counts.get()};
    blocks = std::min(blocks, (int)MOST_BLOCKS);
    if (linear->type == weight_type::nf4) {
        launch_tokens<weight_type::nf4>(problem, blocks, stream);
    } else {
        launch_tokens<weight_type::int4_g128>(problem, blocks, stream);
    }
}
