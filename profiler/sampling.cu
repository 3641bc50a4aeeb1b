#include "profiler/sampling.h"

#include <algorithm>
#include <cmath>

#include "profiler/device_memory.h"
#include "profiler/random.h"

enum { THREADS = 1024, WARPS = THREADS / 32, WAYS = 4 /* a step of the search */ };

/* A whole number that orders as the bf16 does. */
__device__ static inline int key_of(bf16 value)
{
    int bits = __bfloat16_as_ushort(value);
    return bits & 0x8000 ? 0xffff - bits : bits | 0x8000;
}

__device__ static inline float value_of(int key)
{
    return __bfloat162float(
        __ushort_as_bfloat16((unsigned short)(key & 0x8000 ? key & 0x7fff : 0xffff - key)));
}

/* Calls visit(i, value) for this thread's share of a row, eight at a load where the row allows. */
template <typename Visit>
__device__ static inline void visit_row(const bf16 *row, int vocabulary, Visit visit)
{
    if (vocabulary % 8 != 0) {
        for (int i = threadIdx.x; i < vocabulary; i += THREADS) {
            visit(i, row[i]);
        }
        return;
    }
    for (int i = threadIdx.x; i < vocabulary / 8; i += THREADS) {
        uint4 eight = reinterpret_cast<const uint4 *>(row)[i];
        const auto *values = reinterpret_cast<const bf16 *>(&eight);
        for (int j = 0; j < 8; j++) {
            visit(8 * i + j, values[j]);
        }
    }
}

/* Sums of the threads' values, the same to all of them. */
template <int COUNT> __device__ static void add_up(float values[COUNT])
{
    __shared__ float sums[WARPS][COUNT];
    __syncthreads();
    for (int c = 0; c < COUNT; c++) {
        for (int offset = 16; offset > 0; offset /= 2) {
            values[c] += __shfl_xor_sync(0xffffffff, values[c], offset);
        }
        if (threadIdx.x % 32 == 0) {
            sums[threadIdx.x / 32][c] = values[c];
        }
    }
    __syncthreads();
    for (int c = 0; c < COUNT; c++) {
        values[c] = 0;
        for (int w = 0; w < WARPS; w++) {
            values[c] += sums[w][c];
        }
    }
}

__device__ static int largest_key(const bf16 *row, int vocabulary)
{
    __shared__ int keys[WARPS];
    int most = 0;
    visit_row(row, vocabulary, [&](int, bf16 value) { most = max(most, key_of(value)); });
    most = __reduce_max_sync(0xffffffff, most);
    if (threadIdx.x % 32 == 0) {
        keys[threadIdx.x / 32] = most;
    }
    __syncthreads();
    for (int w = 0; w < WARPS; w++) {
        most = max(most, keys[w]);
    }
    return most;
}

/* The largest key from which on the values' weights still add up to 'wanted'; 0 when even all do
 * not. */
template <typename Weight>
__device__ static int search_key(const bf16 *row, int vocabulary, float wanted, Weight weight)
{
    int from = 0; /* here they do, or it is the end */
    for (int width = 0x10000; width > 1; width /= WAYS) {
        float sums[WAYS - 1] = {};
        int step = width / WAYS;
        visit_row(row, vocabulary, [&](int, bf16 value) {
            int key = key_of(value);
            if (key >= from + step) {
                float its = weight(value);
                for (int w = 0; w < WAYS - 1; w++) {
                    sums[w] += key >= from + (w + 1) * step ? its : 0;
                }
            }
        });
        add_up<WAYS - 1>(sums);
        int reached = 0;
        for (int w = 0; w < WAYS - 1; w++) {
            reached += sums[w] >= wanted ? 1 : 0;
        }
        from += reached * step;
    }
    return from;
}

/* The smallest key of a token that may be drawn. */
__device__ static int cut(const bf16 *row, int vocabulary, float top_p, int top_k, float inverse)
{
    int first = 0;
    if (top_k > 0) {
        first = search_key(row, vocabulary, (float)top_k, [](bf16) { return 1.0f; });
    }
    if (top_p >= 1) {
        return first;
    }
    float most = value_of(largest_key(row, vocabulary));
    auto mass = [&](bf16 value) {
        return key_of(value) >= first ? __expf((__bfloat162float(value) - most) * inverse) : 0;
    };
    float total[1] = {0};
    visit_row(row, vocabulary, [&](int, bf16 value) { total[0] += mass(value); });
    add_up<1>(total);
    return max(first, search_key(row, vocabulary, top_p * total[0], mass));
}

/* One block a row. argmax of logit / temperature + Gumbel noise is a draw from the softmax. */
__global__ static void __launch_bounds__(THREADS)
    sample_kernel(const bf16 *logits, int *ids, int vocabulary, float inverse, float top_p,
                  int top_k, uint64_t seed)
{
    __shared__ float best_values[WARPS];
    __shared__ int best_ids[WARPS];
    const bf16 *row = logits + (size_t)blockIdx.x * vocabulary;
    int first = top_k > 0 || top_p < 1 ? cut(row, vocabulary, top_p, top_k, inverse) : 0;
    float best = -INFINITY;
    int id = 0;
    visit_row(row, vocabulary, [&](int i, bf16 logit) {
        float uniform = random_uniform(seed, (uint64_t)blockIdx.x * vocabulary + i);
        float noise = -__logf(-__logf(uniform * 0.9999998f + 1e-7f));
        float value = __bfloat162float(logit) * inverse + noise;
        if (value > best && key_of(logit) >= first) {
            best = value;
            id = i;
        }
    });
    for (int offset = 16; offset > 0; offset /= 2) {
        float other = __shfl_xor_sync(0xffffffff, best, offset);
        int other_id = __shfl_xor_sync(0xffffffff, id, offset);
        id = other > best ? other_id : id;
        best = fmaxf(best, other);
    }
    if (threadIdx.x % 32 == 0) {
        best_values[threadIdx.x / 32] = best;
        best_ids[threadIdx.x / 32] = id;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < WARPS; i++) {
            id = best_values[i] > best ? best_ids[i] : id;
            best = fmaxf(best, best_values[i]);
        }
        ids[blockIdx.x] = id;
    }
}

void sample(const bf16 *logits, int *ids, int rows, int vocabulary, const struct sampling &sampling,
            uint64_t seed, cudaStream_t stream)
{
    sample_kernel<<<rows, THREADS, 0, stream>>>(logits, ids, vocabulary, 1 / sampling.temperature,
                                                sampling.top_p, sampling.top_k, seed);
    cuda_check(cudaGetLastError());
}

enum { VOCABULARY = 1000, DRAWS = 4000 };

/* Many rows of the same logits are drawn from; each token's share must lie within five standard
 * deviations of its chance among those kept. */
static bool check_draws(const char *what, const struct sampling &sampling)
{
    device_memory<bf16> logits;
    device_memory<int> ids;
    logits.allocate((size_t)DRAWS * VOCABULARY, "a check");
    ids.allocate(DRAWS, "a check");
    std::vector<bf16> values((size_t)DRAWS * VOCABULARY);
    std::vector<double> chances(VOCABULARY);
    for (size_t i = 0; i < values.size(); i++) {
        /* from 4 down by a quarter, in an order of their own; none twice among the likely ones */
        int rank = (int)(i % VOCABULARY * 7 % VOCABULARY);
        values[i] = __float2bfloat16(4 - 0.25f * (float)rank);
    }
    double kept = 0;
    int count = 0;
    for (int rank = 0; rank < VOCABULARY; rank++) {
        chances[rank] = std::exp(-0.25 * rank / sampling.temperature);
    }
    int most = sampling.top_k > 0 ? sampling.top_k : VOCABULARY;
    double all = 0;
    for (int rank = 0; rank < most; rank++) {
        all += chances[rank];
    }
    while (count < most && kept < sampling.top_p * all) {
        kept += chances[count++];
    }
    logits.upload(values);
    sample(logits.get(), ids.get(), DRAWS, VOCABULARY, sampling, 9, nullptr);
    std::vector<int> drawn(VOCABULARY, 0);
    for (int id : ids.download(DRAWS)) {
        drawn[id * 7 % VOCABULARY]++;
    }
    for (int rank = 0; rank < VOCABULARY; rank++) {
        double chance = rank < count ? chances[rank] / kept : 0;
        double expected = chance * DRAWS;
        double room = rank < count ? 5 * std::sqrt(expected * (1 - chance)) + 1 : 0;
        if (std::fabs(drawn[rank] - expected) > room) {
            fprintf(stderr,
                    "kvcast-profile: check of %s failed: token of rank %d drawn %d times of %d, "
                    "expected %.1f\n",
                    what, rank, drawn[rank], (int)DRAWS, expected);
            return false;
        }
    }
    return true;
}

bool sampling_check(void)
{
    struct sampling top_p = {.temperature = 0.6f, .top_p = 0.95f, .top_k = 0};
    struct sampling both = {.temperature = 1, .top_p = 0.9f, .top_k = 7};
    return check_draws("sampling", {}) && check_draws("sampling by top-p", top_p) &&
           check_draws("sampling by top-k and top-p", both);
}
