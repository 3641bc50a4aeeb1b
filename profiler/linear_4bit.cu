#include "profiler/linear_4bit.h"

#include <algorithm>
#include <cstring>

#include "profiler/four_bit_unit.h"

enum {
    STAGES = 2,     /* units of a warp in shared memory, the one in work included */
    SUM_PADDING = 4 /* numbers behind a token's sums, so that tokens lie in other banks */
};

/* Warps that a multiprocessor has registers for: 7, 5 or 3 in each of its four parts. */
template <int TILES> constexpr int most_warps = TILES == 1 ? 28 : (TILES == 2 ? 20 : 12);

struct problem {
    const void *units;
    const bf16 *bias;
    const bf16 *x;
    bf16 *y;
    int tokens;
    int n;    /* of the whole layer, */
    int sets; /* of which so many sets of rows are worked on */
    int k;
    int tile;  /* sets of rows of a block, one a warp of each team */
    int teams; /* that share the columns */
    struct nf4_table table;
};

__device__ static inline void multiply(float d[4], const uint32_t a[4], uint32_t b0, uint32_t b1)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
        "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* The levels of the two NF4 weights of each byte; every lane has its own copy, so that lookups of a
 * warp never meet in a bank. */
struct level_pairs {
    uint32_t pairs[256][32];
};

/* On whole lines of shared memory. */
template <weight_type FORMAT> struct alignas(128) unit_place {
    struct unit<FORMAT> unit;
};

/* Shared memory of a block begins with the table of pairs; behind it lie the places of each warp,
 * [warps][STAGES], and the barriers that say when a unit has arrived there. At the end the sums
 * lie in it, [teams][tokens][rows]. */
template <weight_type FORMAT>
constexpr size_t levels_bytes = FORMAT == weight_type::nf4 ? sizeof(struct level_pairs) : 0;

template <weight_type FORMAT, int TILES> static size_t bytes_of_block(int tile, int teams)
{
    size_t places = (sizeof(unit_place<FORMAT>) + sizeof(uint64_t)) * STAGES * tile * teams;
    size_t sums = sizeof(float) * teams * TILES * 8 * (tile * SET_ROWS + SUM_PADDING);
    return std::max(levels_bytes<FORMAT> + places, sums);
}

__device__ static inline uint32_t shared_address(const void *pointer)
{
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

/* What a warp does: 'count' units one after the other, the first of them in the columns of
 * 'first_group'. */
template <weight_type FORMAT> struct warp_work {
    const unit<FORMAT> *units;
    int first_group;
    int count;
    unit_place<FORMAT> *places;
    uint64_t *arrived; /* the barrier of each place */
    uint32_t levels;   /* shared address of the table of pairs */
};

/* Number of a warp in its block, by all its lanes: the compiler then knows it to be one for all,
 * and keeps what follows from it out of the lanes' registers. */
__device__ static inline int warp_of_block(void)
{
    return __shfl_sync(~0u, (int)threadIdx.x / 32, 0);
}

/* True in one lane of a warp, which the compiler knows to be one: a copy then begins without a loop
 * over lanes. */
__device__ static inline bool elected(void)
{
    uint32_t is_elected = 0;
    asm volatile("{.reg .pred p;\n"
                 "elect.sync _|p, 0xffffffff;\n"
                 "selp.u32 %0, 1, 0, p;}"
                 : "=r"(is_elected));
    return is_elected != 0;
}

/* Starts one copy of a whole unit; the copy engine does the rest. By one lane. */
template <weight_type FORMAT>
__device__ static inline void fetch(unit<FORMAT> *to, const unit<FORMAT> *from, uint64_t *arrived)
{
    uint32_t barrier = shared_address(arrived);
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(barrier),
                 "n"((int)sizeof(unit<FORMAT>))
                 : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1], %2, [%3];" ::"r"(shared_address(to)),
                 "l"(from), "n"((int)sizeof(unit<FORMAT>)), "r"(barrier)
                 : "memory");
}

/* 'parity' is that of how often its unit arrived before. */
__device__ static inline void wait_for(uint64_t *arrived, uint32_t parity)
{
    uint32_t done = 0;
    while (!done) {
        asm volatile("{.reg .pred p;\n"
                     "mbarrier.try_wait.parity.shared.b64 p, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, p;}"
                     : "=r"(done)
                     : "r"(shared_address(arrived)), "r"(parity)
                     : "memory");
    }
}

/* Makes a warp's barriers and starts its first copy. */
template <weight_type FORMAT>
__device__ static inline void begin_fetching(const struct warp_work<FORMAT> &work)
{
    if (elected()) {
        for (int i = 0; i < STAGES; i++) {
            asm volatile(
                "mbarrier.init.shared.b64 [%0], 1;" ::"r"(shared_address(&work.arrived[i])));
        }
        asm volatile("fence.mbarrier_init.release.cluster;");
        if (work.count > 0) {
            fetch<FORMAT>(&work.places[0].unit, work.units, &work.arrived[0]);
        }
    }
    __syncwarp();
}

/* Fills the table of pairs. By all warps of a block. */
__device__ static inline void make_levels(struct level_pairs *levels, const struct nf4_table &table)
{
    for (uint32_t byte = threadIdx.x / 32; byte < 256; byte += blockDim.x / 32) {
        uint32_t a[4];
        unpack_nf4(byte, magic_of<weight_type::nf4>, table, a);
        levels->pairs[byte][threadIdx.x % 32] = a[0];
    }
    __syncthreads();
}

/* Eight weights: NF4 as its levels; INT4 as 128 + q where it is RAW, as q - 8 elsewhere. 'kept' is
 * a number of the format that stays in a register. */
template <weight_type FORMAT, bool RAW>
__device__ static inline void unpack_word(uint32_t word, uint32_t kept, uint32_t levels,
                                          uint32_t a[4])
{
    if constexpr (FORMAT == weight_type::nf4) {
#pragma unroll
        for (int i = 0; i < 4; i++) { /* a row of the table is 128 bytes */
            uint32_t row = i == 0 ? word << 7 : word >> (8 * i - 7);
            asm("ld.shared.u32 %0, [%1];"
                : "=r"(a[i])
                : "r"(levels + take_bits(row, 0x7f80u, kept)));
        }
    } else {
        unpack_int4(word, kept, a);
        if constexpr (!RAW) {
            center_int4(a);
        }
    }
}

/* A lane's inputs of 64 columns: 16 of a token of each tile. */
template <int TILES>
__device__ static inline void load_inputs(uint32_t b[TILES][8], const bf16 *const x[TILES],
                                          int offset)
{
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        const auto *from = reinterpret_cast<const uint4 *>(x[t] + offset);
        *reinterpret_cast<uint4 *>(&b[t][0]) = __ldg(from);
        *reinterpret_cast<uint4 *>(&b[t][4]) = __ldg(from + 1);
    }
}

/* sums += scale * (parts - excess), 'scales' from the lane's first row on. */
template <int TILES>
__device__ static inline void add_scaled(float sums[2][TILES][4], const float parts[2][TILES][4],
                                         const float inputs[TILES][4], float excess,
                                         const bf16 *scales)
{
#pragma unroll
    for (int r = 0; r < 2; r++) {
        float low = __bfloat162float(scales[16 * r]);
        float high = __bfloat162float(scales[16 * r + 8]);
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

/* One unit: 32 rows by 128 columns, from shared memory. b[0] holds the inputs of its first half,
 * and then those of the first half of the next unit, 'advance' columns further. Whoever changes
 * this counts its instructions: there is just time for them while the weights arrive. */
template <weight_type FORMAT, int TILES>
__device__ static inline void work_unit(float sums[2][TILES][4], const unit<FORMAT> *unit, int lane,
                                        uint32_t b[2][TILES][8], const bf16 *x[TILES], int advance,
                                        uint32_t kept, uint32_t levels)
{
    constexpr bool nf4 = FORMAT == weight_type::nf4;
    /* of few tokens the sums of the inputs cost less than centering each weight */
    constexpr bool raw = !nf4 && TILES == 1;
    const uint32_t ones[4] = {0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u};
    float parts[2][TILES][4] = {};
    float inputs[TILES][4] = {};
#pragma unroll
    for (int half = 0; half < 2; half++) {
        uint32_t words[2][4];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            *reinterpret_cast<uint4 *>(words[r]) = unit->words[r][half][lane];
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            x[t] += half == 1 ? advance : 0;
        }
        load_inputs<TILES>(b[1 - half], x, half == 0 ? GROUP / 2 : 0);
        /* products that follow each other add up different sums, or each would wait */
#pragma unroll
        for (int step = 0; step < 4; step++) {
            if constexpr (raw) {
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiply(inputs[t], ones, b[half][t][2 * step], b[half][t][2 * step + 1]);
                }
            }
#pragma unroll
            for (int r = 0; r < 2; r++) {
                uint32_t a[4];
                unpack_word<FORMAT, raw>(words[r][step], kept, levels, a);
#pragma unroll
                for (int t = 0; t < TILES; t++) {
                    multiply(parts[r][t], a, b[half][t][2 * step], b[half][t][2 * step + 1]);
                }
            }
        }
        if constexpr (nf4) {
            add_scaled<TILES>(sums, parts, inputs, 0, unit->scales[half] + lane / 4);
            memset(parts, 0, sizeof parts);
        }
    }
    if constexpr (!nf4) {
        add_scaled<TILES>(sums, parts, inputs, raw ? 136 : 0, unit->scales[0] + lane / 4);
    }
}

/* All of a warp's units; the first is on its way. */
template <weight_type FORMAT, int TILES>
__device__ static inline void work_units(float sums[2][TILES][4], const struct problem &problem,
                                         const struct warp_work<FORMAT> &work)
{
    int lane = threadIdx.x % 32;
    const unit<FORMAT> *from = work.units;
    const bf16 *x[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        int token = min(t * 8 + lane / 4, problem.tokens - 1);
        x[t] = problem.x + (size_t)token * problem.k + work.first_group * GROUP + lane % 4 * 16;
    }
    uint32_t b[2][TILES][8];
    load_inputs<TILES>(b[0], x, 0);
    uint32_t kept =
        FORMAT == weight_type::nf4 ? lane * sizeof(uint32_t) : kept_in_register(magic_of<FORMAT>);
    uint32_t parity = 0;
    int stage = 0;
    for (int left = work.count; left > 0; left--) {
        wait_for(&work.arrived[stage], parity);
        __syncwarp(); /* all lanes are done with the unit before */
        from++;
        if (left > 1 && elected()) {
            fetch<FORMAT>(&work.places[stage ^ 1].unit, from, &work.arrived[stage ^ 1]);
        }
        work_unit<FORMAT, TILES>(sums, &work.places[stage].unit, lane, b, x, left > 1 ? GROUP : 0,
                                 kept, work.levels);
        parity ^= stage;
        stage ^= 1;
    }
}

template <int TILES>
__device__ static inline void leave_sums(float *all, const float sums[2][TILES][4], int team,
                                         int set, int stride)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int r = 0; r < 2; r++) {
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int token = t * 8 + lane % 4 * 2 + i % 2;
                int row = set * SET_ROWS + 16 * r + lane / 4 + i / 2 * 8;
                all[(team * TILES * 8 + token) * stride + row] = sums[r][t][i];
            }
        }
    }
}

/* Adds up what the teams have left and writes it, four rows of a token at a time. */
template <int TILES>
__device__ static inline void add_up(const struct problem &problem, const float *all, int first_row,
                                     int stride)
{
    int rows = min(problem.tile * SET_ROWS, problem.sets * SET_ROWS - first_row);
    for (int i = threadIdx.x * 4; i < problem.tokens * rows; i += blockDim.x * 4) {
        int token = i / rows;
        int row = i % rows;
        float sum[4] = {};
#pragma unroll 4
        for (int team = 0; team < problem.teams; team++) {
            float4 part =
                *reinterpret_cast<const float4 *>(&all[(team * TILES * 8 + token) * stride + row]);
            sum[0] += part.x;
            sum[1] += part.y;
            sum[2] += part.z;
            sum[3] += part.w;
        }
        if (problem.bias != nullptr) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                sum[j] += __bfloat162float(problem.bias[first_row + row + j]);
            }
        }
        __nv_bfloat162 pairs[2] = {__floats2bfloat162_rn(sum[0], sum[1]),
                                   __floats2bfloat162_rn(sum[2], sum[3])};
        memcpy(problem.y + (size_t)token * problem.n + first_row + row, pairs, sizeof pairs);
    }
}

/* A block takes a tile of rows, each of its warps one set of them and, with its team, some of the
 * columns. No block needs another, and no warp another before the end: each keeps its weights
 * coming through two places of its own. */
template <weight_type FORMAT, int TILES>
__global__ static void __launch_bounds__(most_warps<TILES> * 32, 1)
    four_bit_kernel(const __grid_constant__ struct problem problem)
{
    extern __shared__ __align__(128) char shared[];
    auto *levels = reinterpret_cast<struct level_pairs *>(shared);
    auto *places = reinterpret_cast<unit_place<FORMAT> *>(shared + levels_bytes<FORMAT>);
    auto *arrived = reinterpret_cast<uint64_t *>(places + problem.tile * problem.teams * STAGES);
    int warp = warp_of_block();
    int team = warp / problem.tile;
    int set = warp % problem.tile;
    int first_set = blockIdx.x * problem.tile;
    int groups = problem.k / GROUP;
    struct warp_work<FORMAT> work;
    work.first_group = groups * team / problem.teams;
    work.count = groups * (team + 1) / problem.teams - work.first_group;
    work.units = static_cast<const unit<FORMAT> *>(problem.units) +
                 (size_t)(first_set + set) * groups + work.first_group;
    work.places = places + warp * STAGES;
    work.arrived = arrived + warp * STAGES;
    work.levels = shared_address(levels);
    if (first_set + set >= problem.sets) {
        work.count = 0;
    }
    cudaTriggerProgrammaticLaunchCompletion(); /* a product behind may begin to fetch its weights */
    begin_fetching<FORMAT>(work);
    if constexpr (FORMAT == weight_type::nf4) {
        make_levels(levels, problem.table);
    }
    cudaGridDependencySynchronize(); /* x is there, y is free */
    float sums[2][TILES][4] = {};
    work_units<FORMAT, TILES>(sums, problem, work);
    __syncthreads(); /* where units lay, sums will */
    auto *all = reinterpret_cast<float *>(shared);
    int stride = problem.tile * SET_ROWS + SUM_PADDING;
    leave_sums<TILES>(all, sums, team, set, stride);
    __syncthreads();
    add_up<TILES>(problem, all, first_set * SET_ROWS, stride);
}

/* How rows and columns are shared out. */
struct division {
    int tile; /* sets of rows of a block */
    int teams;
    int blocks;
    int at_once; /* on a multiprocessor */
    int working; /* warps of all blocks; 0: not possible */
    int most;    /* sets of the multiprocessor that has the most */
};

/* Among 'at_once' blocks a multiprocessor, of at most 'warps' together. Adding up more teams than
 * the most would take longer than they save. */
static struct division divide(int sets, int groups, int processors, int at_once, int warps)
{
    enum { MOST_TEAMS = 20 };
    struct division division = {};
    int places = processors * at_once;
    division.tile = (sets + places - 1) / places;
    division.blocks = (sets + division.tile - 1) / division.tile;
    division.at_once = at_once;
    int teams = std::min({warps / at_once / division.tile, (int)MOST_TEAMS, groups});
    if (teams > 0) {
        int each = (groups + teams - 1) / teams;
        division.teams = (groups + each - 1) / each; /* none that could only wait for the others */
    }
    division.working = division.blocks * division.tile * division.teams;
    division.most = (division.blocks + processors - 1) / processors * division.tile;
    return division;
}

/* Of few tokens, two or three blocks a multiprocessor where that keeps about as many warps at work:
 * one goes on while another adds up. But no more than it has sets of rows for, or some
 * multiprocessors would be given several blocks and others none. */
template <int TILES> static struct division best_division(int sets, int groups, int processors)
{
    struct division one = divide(sets, groups, processors, 1, most_warps<TILES>);
    struct division two = divide(sets, groups, processors, 2, most_warps<TILES>);
    struct division three = divide(sets, groups, processors, 3, most_warps<TILES>);
    int enough = std::max({one.working, two.working, three.working}) * 19 / 20;
    bool can_be_two = two.working >= enough && sets > processors;
    bool can_be_three = three.working >= enough && sets > 2 * processors;
    if (TILES > 2 || (!can_be_two && !can_be_three)) {
        return one;
    }
    return !can_be_three || (can_be_two && two.most <= three.most) ? two : three;
}

/* Blocks ask for so much shared memory that no more of them fit side by side than are meant to;
 * with those of the next launch, which are there early, some multiprocessors would get too many. */
template <weight_type FORMAT, int TILES>
static void launch(const struct problem &problem, const struct division &division, int shared,
                   cudaStream_t stream)
{
    auto *kernel = four_bit_kernel<FORMAT, TILES>;
    size_t bytes = std::max(bytes_of_block<FORMAT, TILES>(division.tile, division.teams),
                            (size_t)(shared / (division.at_once + 1)));
    cuda_check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    (int)bytes)); /* for each device anew */
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(division.blocks);
    config.blockDim = dim3(division.tile * division.teams * 32);
    config.dynamicSmemBytes = bytes;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = 1;
    cuda_check(cudaLaunchKernelEx(&config, kernel, problem));
}

/* What a launch needs to know of a card. */
struct card {
    int processors = 0;
    int shared = 0; /* bytes of shared memory of each */
};

/* In as many launches as it takes for all blocks of each to run at once. */
template <weight_type FORMAT, int TILES>
static void launch_rows(const struct problem &problem, const struct card &card, cudaStream_t stream)
{
    int all = problem.n / SET_ROWS;
    int most = card.processors * most_warps<TILES>;
    int launches = (all + most - 1) / most;
    int groups = problem.k / GROUP;
    for (int i = 0; i < launches; i++) {
        int first = (int)((int64_t)all * i / launches);
        struct problem part = problem;
        part.sets = (int)((int64_t)all * (i + 1) / launches) - first;
        part.units = static_cast<const unit<FORMAT> *>(problem.units) + (size_t)first * groups;
        part.bias += problem.bias != nullptr ? first * SET_ROWS : 0;
        part.y += first * SET_ROWS;
        struct division division = best_division<TILES>(part.sets, groups, card.processors);
        part.tile = division.tile;
        part.teams = division.teams;
        launch<FORMAT, TILES>(part, division, card.shared, stream);
    }
}

template <weight_type FORMAT>
static void launch_tokens(const struct problem &problem, const struct card &card,
                          cudaStream_t stream)
{
    if (problem.tokens <= 8) {
        launch_rows<FORMAT, 1>(problem, card, stream);
    } else if (problem.tokens <= 16) {
        launch_rows<FORMAT, 2>(problem, card, stream);
    } else {
        launch_rows<FORMAT, 4>(problem, card, stream);
    }
}

void four_bit_multiply(const struct linear *linear, const bf16 *x, bf16 *y, int tokens,
                       cudaStream_t stream)
{
    static const struct nf4_table table = nf4_table_make();
    int device = 0;
    struct card card;
    cuda_check(cudaGetDevice(&device));
    cuda_check(cudaDeviceGetAttribute(&card.processors, cudaDevAttrMultiProcessorCount, device));
    cuda_check(
        cudaDeviceGetAttribute(&card.shared, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device));
    struct problem problem = {.units = linear->units.get(),
                              .bias = linear->bias.get(),
                              .x = x,
                              .y = y,
                              .tokens = tokens,
                              .n = linear->n,
                              .sets = 0,
                              .k = linear->k,
                              .tile = 0,
                              .teams = 0,
                              .table = table};
    if (linear->type == weight_type::nf4) {
        launch_tokens<weight_type::nf4>(problem, card, stream);
    } else {
        launch_tokens<weight_type::int4_g128>(problem, card, stream);
    }
}
