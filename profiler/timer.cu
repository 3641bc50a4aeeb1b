#include "profiler/timer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "profiler/cuda_check.h"

enum { FEWEST = 5, FEWEST_LONG = 3, MOST = 60, WARM_UPS = 2 };
#define LONG_MS 60   /* such work is steadier, and dear */
#define STEADY 0.004 /* of the median's own relative error */

/* Error of the median from the median absolute deviation, as for normal samples. */
static bool is_steady(std::vector<float> samples)
{
    std::sort(samples.begin(), samples.end());
    float median = samples[samples.size() / 2];
    for (float &value : samples) {
        value = std::fabs(value - median);
    }
    std::sort(samples.begin(), samples.end());
    double deviation = 1.4826 * samples[samples.size() / 2];
    return 1.2533 * deviation / std::sqrt((double)samples.size()) < STEADY * median;
}

struct timing time_launches(const std::function<void()> &launch, cudaStream_t stream,
                            double budget_s)
{
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t run = nullptr;
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    launch(); /* allocations and choices of algorithms happen outside of the capture */
    cuda_check(cudaStreamSynchronize(stream));
    cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    launch();
    cuda_check(cudaStreamEndCapture(stream, &graph));
    cuda_check(cudaGraphInstantiate(&run, graph, 0));
    cuda_check(cudaEventCreate(&begin));
    cuda_check(cudaEventCreate(&end));
    cuda_check(cudaEventRecord(begin, stream));
    launch();
    cuda_check(cudaEventRecord(end, stream));
    cuda_check(cudaEventSynchronize(end));
    float first_ms = 0;
    cuda_check(cudaEventElapsedTime(&first_ms, begin, end));
    bool is_long = first_ms > LONG_MS;
    for (int i = 0; i < (is_long ? 0 : WARM_UPS); i++) {
        cuda_check(cudaGraphLaunch(run, stream));
    }
    std::vector<float> samples;
    double spent_s = 0;
    while ((int)samples.size() < (is_long ? FEWEST_LONG : FEWEST) ||
           ((int)samples.size() < MOST && spent_s < budget_s && !is_steady(samples))) {
        float ms = 0;
        cuda_check(cudaEventRecord(begin, stream));
        cuda_check(cudaGraphLaunch(run, stream));
        cuda_check(cudaEventRecord(end, stream));
        cuda_check(cudaEventSynchronize(end));
        cuda_check(cudaEventElapsedTime(&ms, begin, end));
        samples.push_back(ms);
        spent_s += ms / 1000;
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaGraphExecDestroy(run);
    cudaGraphDestroy(graph);
    std::sort(samples.begin(), samples.end());
    struct timing timing;
    size_t last = samples.size() - 1;
    timing.median_ms = samples[samples.size() / 2];
    timing.p10_ms = samples[last / 10];
    timing.p90_ms = samples[last - last / 10];
    timing.samples = (int)samples.size();
    timing.noisy = timing.p90_ms - timing.p10_ms > 0.04 * timing.median_ms;
    return timing;
}
