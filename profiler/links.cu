#include "profiler/links.h"

#include <dlfcn.h>

/* Loaded at run time, if it is there; its header says how to call it. */
#if __has_include(<nccl.h>)
#include <nccl.h>
#endif

#include "profiler/all_reduce.h"
#include "profiler/device_memory.h"

#define BUDGET_S 0.05
#define HOLD_MS 3 /* for NCCL to queue a sample */
enum { MOST_BYTES = 1 << 28, REPEATS = 10 /* of a message in a sample */ };

static std::vector<size_t> sizes_from(size_t least)
{
    std::vector<size_t> sizes;
    for (size_t bytes = least; bytes <= MOST_BYTES; bytes *= 4) {
        sizes.push_back(bytes);
    }
    return sizes;
}

/* The time of one of the REPEATS. */
static struct link_point point_of(const char *operation, size_t bytes, struct timing timing)
{
    timing.median_ms /= REPEATS;
    timing.p10_ms /= REPEATS;
    timing.p90_ms /= REPEATS;
    return {operation, bytes, timing};
}

/* Messages one after another: each takes what is left of the last ones' pipeline, as layers do. */
static struct link_point time_copies(const char *operation, void *to, const void *from,
                                     size_t bytes, cudaStream_t stream)
{
    auto work = [&] {
        for (int i = 0; i < REPEATS; i++) {
            cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream));
        }
    };
    return point_of(operation, bytes, time_launches(work, stream, BUDGET_S));
}

/* One GPU's end. */
struct link_end {
    cudaStream_t stream = nullptr;
    device_memory<bf16> from, to;
    struct peer_flags flags;

    void create(int device)
    {
        cuda_check(cudaSetDevice(device));
        cuda_check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
        from.allocate(MOST_BYTES / 2, "messages");
        to.allocate(MOST_BYTES / 2, "messages");
        flags.allocate();
        fill_random_bf16(from.get(), MOST_BYTES / 2, 1, 50 + device, stream);
        cuda_check(cudaStreamSynchronize(stream));
    }
};

static void measure_host(const struct link_end &end, std::vector<struct link_point> *points)
{
    void *host = nullptr;
    cuda_check(cudaSetDevice(0));
    cuda_check(cudaMallocHost(&host, MOST_BYTES));
    for (size_t bytes : sizes_from(4096)) {
        points->push_back(time_copies("host_to_device", end.to.get(), host, bytes, end.stream));
        points->push_back(time_copies("device_to_host", host, end.from.get(), bytes, end.stream));
    }
    cuda_check(cudaFreeHost(host));
}

static void measure_one_shot(struct link_end ends[2], std::vector<struct link_point> *points)
{
    for (size_t bytes : sizes_from(1024)) {
        std::vector<gpu_work> works(2);
        for (int rank = 0; rank < 2; rank++) {
            auto reduce = [=](bool alone) {
                const struct link_end &own = ends[rank];
                const struct link_end &other = ends[1 - rank];
                for (int i = 0; i < REPEATS; i++) {
                    all_reduce(peer_link_of(own.flags, alone ? nullptr : &other.flags),
                               own.from.get(), other.from.get(), own.to.get(), bytes / 2,
                               own.stream);
                }
            };
            works[rank] = {rank, ends[rank].stream, [=] { reduce(true); }, [=] { reduce(false); }};
        }
        points->push_back(point_of("all_reduce_one_shot", bytes, time_works(works, BUDGET_S)));
    }
}

#ifdef NCCL_MAJOR
/* NCCL's functions, from the library where there is one. */
struct nccl {
    decltype(&ncclCommInitAll) init;
    decltype(&ncclCommDestroy) destroy;
    decltype(&ncclGroupStart) group_start;
    decltype(&ncclGroupEnd) group_end;
    decltype(&ncclAllReduce) all_reduce;
};

static bool nccl_open(struct nccl *nccl)
{
    void *library = dlopen("libnccl.so.2", RTLD_NOW);
    auto find = [&](auto *function, const char *name) {
        *function = library != nullptr
                        ? reinterpret_cast<std::remove_reference_t<decltype(*function)>>(
                              dlsym(library, name))
                        : nullptr;
        return *function != nullptr;
    };
    return find(&nccl->init, "ncclCommInitAll") && find(&nccl->destroy, "ncclCommDestroy") &&
           find(&nccl->group_start, "ncclGroupStart") && find(&nccl->group_end, "ncclGroupEnd") &&
           find(&nccl->all_reduce, "ncclAllReduce");
}

static void measure_nccl(struct link_end ends[2], std::vector<struct link_point> *points)
{
    struct nccl nccl = {};
    ncclComm_t comms[2];
    const int devices[2] = {0, 1};
    if (!nccl_open(&nccl) || nccl.init(comms, 2, devices) != ncclSuccess) {
        fprintf(stderr,
                "kvcast-profile: no libnccl.so.2 to load here: its all-reduce is left out\n");
        return;
    }
    cuda_check(cudaSetDevice(0));
    for (size_t bytes : sizes_from(1024)) {
        auto reduce = [&] {
            for (int i = 0; i < REPEATS; i++) {
                nccl.group_start();
                for (int rank = 0; rank < 2; rank++) {
                    nccl.all_reduce(ends[rank].from.get(), ends[rank].to.get(), bytes / 2,
                                    ncclBfloat16, ncclSum, comms[rank], ends[rank].stream);
                }
                nccl.group_end();
            }
        };
        points->push_back(
            point_of("all_reduce_nccl", bytes, time_queued(reduce, ends[0].stream, HOLD_MS)));
    }
    for (ncclComm_t comm : comms) {
        nccl.destroy(comm);
    }
}
#endif

std::vector<struct link_point> links_measure(int gpus)
{
    std::vector<struct link_point> points;
    struct link_end ends[2];
    ends[0].create(0);
    measure_host(ends[0], &points);
    if (gpus == 2) {
        ends[1].create(1);
        peer_enable(0);
        cuda_check(cudaSetDevice(0));
        peer_enable(1);
        for (size_t bytes : sizes_from(4096)) {
            points.push_back(time_copies("device_to_device", ends[1].to.get(), ends[0].from.get(),
                                         bytes, ends[0].stream));
        }
        measure_one_shot(ends, &points);
#ifdef NCCL_MAJOR
        measure_nccl(ends, &points);
#else
        fprintf(stderr, "kvcast-profile: built without nccl.h: NCCL's all-reduce is left out\n");
#endif
    }
    for (int rank = 0; rank < gpus; rank++) {
        cuda_check(cudaSetDevice(rank));
        cuda_check(cudaStreamDestroy(ends[rank].stream));
    }
    cuda_check(cudaSetDevice(0));
    return points;
}
