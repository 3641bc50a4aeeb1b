/* Times work on the GPU: captured as a graph, so that the host is not in the way, warmed up,
 * repeated until its median is steady or its time is spent. */
#ifndef PROFILER_TIMER_H
#define PROFILER_TIMER_H

#include <cuda_runtime.h>

#include <functional>

struct timing {
    double median_ms = 0;
    double p10_ms = 0;
    double p90_ms = 0;
    int samples = 0;
    bool noisy = false; /* the spread (p90 - p10) exceeds 4 % of the median */
};

/* 'launch' launches the work on 'stream'; 'budget_s' of sampling at most (and a few samples at
 * least). */
struct timing time_launches(const std::function<void()> &launch, cudaStream_t stream,
                            double budget_s);

#endif
