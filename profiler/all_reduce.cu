#include "profiler/all_reduce.h"

#include <algorithm>
#include <cmath>

enum { THREADS = 512 };

void peer_flags::allocate(void)
{
    arrived.allocate(ALL_REDUCE_BLOCKS, "flags");
    rounds.allocate(ALL_REDUCE_BLOCKS, "flags");
    cuda_check(cudaMemset(arrived.get(), 0, ALL_REDUCE_BLOCKS * sizeof(unsigned)));
    cuda_check(cudaMemset(rounds.get(), 0, ALL_REDUCE_BLOCKS * sizeof(unsigned)));
}

struct peer_link peer_link_of(const struct peer_flags &own, const struct peer_flags *other)
{
    struct peer_link link;
    link.arrived = own.arrived.get();
    link.rounds = own.rounds.get();
    link.other_arrived = other != nullptr ? other->arrived.get() : nullptr;
    return link;
}

void peer_enable(int other_device)
{
    int device = 0;
    int possible = 0;
    cuda_check(cudaGetDevice(&device));
    cuda_check(cudaDeviceCanAccessPeer(&possible, device, other_device));
    if (!possible) {
        fprintf(stderr, "kvcast-profile: GPU %d cannot read the memory of GPU %d\n", device,
                other_device);
        exit(1);
    }
    cudaError_t status = cudaDeviceEnablePeerAccess(other_device, 0);
    if (status != cudaErrorPeerAccessAlreadyEnabled) {
        cuda_check(status);
    }
    (void)cudaGetLastError();
}

/* Each block waits for the block of its number on the other side: what the other computed before
 * this kernel is then there. */
__device__ static inline void meet(const struct peer_link &link)
{
    if (threadIdx.x == 0 && link.other_arrived != nullptr) {
        unsigned round = ++link.rounds[blockIdx.x];
        unsigned seen = 0;
        asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(link.other_arrived + blockIdx.x),
                     "r"(round)
                     : "memory");
        do {
            asm volatile("ld.acquire.sys.global.u32 %0, [%1];"
                         : "=r"(seen)
                         : "l"(link.arrived + blockIdx.x)
                         : "memory");
        } while ((int)(seen - round) < 0);
    }
    __syncthreads();
}

__device__ static inline uint4 add_eight(uint4 a, uint4 b)
{
    auto *to = reinterpret_cast<__nv_bfloat162 *>(&a);
    const auto *from = reinterpret_cast<const __nv_bfloat162 *>(&b);
    for (int i = 0; i < 4; i++) {
        float2 x = __bfloat1622float2(to[i]);
        float2 y = __bfloat1622float2(from[i]);
        to[i] = __floats2bfloat162_rn(x.x + y.x, x.y + y.y);
    }
    return a;
}

__global__ static void all_reduce_kernel(struct peer_link link, const uint4 *own,
                                         const uint4 *other, uint4 *out, size_t count)
{
    enum { AHEAD = 4 };
    size_t stride = (size_t)gridDim.x * THREADS;
    meet(link);
    for (size_t base = (size_t)blockIdx.x * THREADS + threadIdx.x; base < count;
         base += AHEAD * stride) {
        uint4 theirs[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            if (base + i * stride < count) {
                theirs[i] = __ldcg(other + base + i * stride);
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            if (base + i * stride < count) {
                out[base + i * stride] = add_eight(own[base + i * stride], theirs[i]);
            }
        }
    }
}

void all_reduce(const struct peer_link &link, const bf16 *own, const bf16 *other, bf16 *out,
                size_t count, cudaStream_t stream)
{
    size_t blocks = (count / 8 + THREADS - 1) / THREADS;
    all_reduce_kernel<<<(int)std::min(blocks, (size_t)ALL_REDUCE_BLOCKS), THREADS, 0, stream>>>(
        link, reinterpret_cast<const uint4 *>(own), reinterpret_cast<const uint4 *>(other),
        reinterpret_cast<uint4 *>(out), count / 8);
    cuda_check(cudaGetLastError());
}

__global__ static void gather_kernel(struct peer_link link, const uint4 *left, const uint4 *right,
                                     uint4 *out, int rows, int eights)
{
    meet(link);
    for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < (size_t)rows * eights;
         i += (size_t)gridDim.x * THREADS) {
        size_t row = i / eights;
        size_t column = i % eights;
        out[2 * row * eights + column] = __ldcg(left + i);
        out[(2 * row + 1) * eights + column] = __ldcg(right + i);
    }
}

void gather_halves(const struct peer_link &link, const bf16 *own, const bf16 *other, bf16 *out,
                   int rows, int columns, int rank, cudaStream_t stream)
{
    size_t blocks = ((size_t)rows * columns / 8 + THREADS - 1) / THREADS;
    const bf16 *left = rank == 0 ? own : other;
    const bf16 *right = rank == 0 ? other : own;
    gather_kernel<<<(int)std::min(blocks, (size_t)ALL_REDUCE_BLOCKS), THREADS, 0, stream>>>(
        link, reinterpret_cast<const uint4 *>(left), reinterpret_cast<const uint4 *>(right),
        reinterpret_cast<uint4 *>(out), rows, columns / 8);
    cuda_check(cudaGetLastError());
}

/* One side of the check. */
struct side {
    cudaStream_t stream = nullptr;
    struct peer_flags flags;
    device_memory<bf16> x, sum, halves;
};

enum { CHECK_ROWS = 33, CHECK_COLUMNS = 5120, CHECK_COUNT = CHECK_ROWS * CHECK_COLUMNS };

static bool check_side(const struct side &side, int rank, const std::vector<bf16> x[2])
{
    auto sum = side.sum.download(CHECK_COUNT);
    auto halves = side.halves.download(2 * CHECK_COUNT);
    for (int i = 0; i < CHECK_COUNT; i++) {
        double expected = (double)__bfloat162float(x[0][i]) + __bfloat162float(x[1][i]);
        double got = __bfloat162float(sum[i]);
        int row = i / CHECK_COLUMNS;
        int column = i % CHECK_COLUMNS;
        if (!(std::fabs(got - expected) <= 0.01 * (1 + std::fabs(expected)))) {
            fprintf(stderr,
                    "kvcast-profile: check of the all-reduce failed on GPU %d: got %g, "
                    "expected %g\n",
                    rank, got, expected);
            return false;
        }
        for (int half = 0; half < 2; half++) {
            float found =
                __bfloat162float(halves[(size_t)(2 * row + half) * CHECK_COLUMNS + column]);
            if (found != __bfloat162float(x[half][i])) {
                fprintf(stderr, "kvcast-profile: check of gathering failed on GPU %d\n", rank);
                return false;
            }
        }
    }
    return true;
}

bool all_reduce_check(void)
{
    struct side sides[2];
    std::vector<bf16> x[2];
    for (int rank = 0; rank < 2; rank++) {
        struct side &side = sides[rank];
        cuda_check(cudaSetDevice(rank));
        peer_enable(1 - rank);
        cuda_check(cudaStreamCreateWithFlags(&side.stream, cudaStreamNonBlocking));
        side.flags.allocate();
        side.x.allocate(CHECK_COUNT, "a check");
        side.sum.allocate(CHECK_COUNT, "a check");
        side.halves.allocate(2 * CHECK_COUNT, "a check");
        fill_random_bf16(side.x.get(), CHECK_COUNT, 1, 40 + rank, side.stream);
        /* once alone, so that the kernels are loaded before one waits for the other */
        struct peer_link alone = peer_link_of(side.flags, nullptr);
        all_reduce(alone, side.x.get(), side.x.get(), side.sum.get(), CHECK_COUNT, side.stream);
        gather_halves(alone, side.x.get(), side.x.get(), side.halves.get(), CHECK_ROWS,
                      CHECK_COLUMNS, rank, side.stream);
        cuda_check(cudaStreamSynchronize(side.stream));
        x[rank] = side.x.download(CHECK_COUNT);
    }
    for (int rank = 0; rank < 2; rank++) {
        struct side &side = sides[rank];
        struct side &other = sides[1 - rank];
        struct peer_link link = peer_link_of(side.flags, &other.flags);
        cuda_check(cudaSetDevice(rank));
        all_reduce(link, side.x.get(), other.x.get(), side.sum.get(), CHECK_COUNT, side.stream);
        gather_halves(link, side.x.get(), other.x.get(), side.halves.get(), CHECK_ROWS,
                      CHECK_COLUMNS, rank, side.stream);
    }
    bool ok = true;
    for (int rank = 0; rank < 2; rank++) {
        cuda_check(cudaSetDevice(rank));
        cuda_check(cudaStreamSynchronize(sides[rank].stream));
        ok = ok && check_side(sides[rank], rank, x);
        cudaStreamDestroy(sides[rank].stream);
    }
    cuda_check(cudaSetDevice(0));
    return ok;
}
