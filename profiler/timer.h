/* Times work on the GPU: captured as a graph, so that the host is not in the way, warmed up,
 * repeated until its median is steady or its time is spent. */
#ifndef PROFILER_TIMER_H
#define PROFILER_TIMER_H

#include <cuda_runtime.h>

#include <functional>
#include <vector>

struct timing {
    double median_ms = 0;
    double p10_ms = 0;
    double p90_ms = 0;
    int samples = 0;
    bool noisy = false; /* the spread (p90 - p10) exceeds 4 % of the median */
    int sm_mhz = 0;     /* clock of the multiprocessors at the end; 0: not known */
};

/* Work of one GPU. */
struct gpu_work {
    int device = 0;
    cudaStream_t stream = nullptr;
    std::function<void()> rehearse; /* the same without waiting for another GPU: loads code, settles
                                     * on algorithms, allocates */
    std::function<void()> launch;   /* launches it on 'stream' */
};

/* Times the first of 'works', all of which run side by side; 'budget_s' of sampling at most (and a
 * few samples at least). The current device is afterwards that of the first. */
struct timing time_works(const std::vector<gpu_work> &works, double budget_s);

/* The same of one GPU's work, on the current device. */
struct timing time_launches(const std::function<void()> &launch, cudaStream_t stream,
                            double budget_s);

/* The same of work that cannot be captured: it is queued behind a kernel that spins for 'hold_ms',
 * which must be long enough for the host to queue it all. */
struct timing time_queued(const std::function<void()> &queue, cudaStream_t stream, double hold_ms);

#endif
