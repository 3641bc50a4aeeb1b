#include "profiler/timer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "profiler/cuda_check.h"
#include "profiler/nvml.h"

enum {
    FEWEST = 5,
    FEWEST_LONG = 2, /* and another where these two differ */
    MOST = 60,
    WARM_UPS = 3,
    SPIN_NS = 100000,
    QUEUED_SAMPLES = 15
};
#define LONG_MS 60   /* such work is steadier, and dear */
#define WARM_MS 60   /* at least so much of it before sampling */
#define STEADY 0.004 /* of the median's own relative error */

static float median_of(std::vector<float> samples)
{
    std::sort(samples.begin(), samples.end());
    size_t last = samples.size() - 1;
    return (samples[last / 2] + samples[last - last / 2]) / 2;
}

/* Error of the median from the median absolute deviation, as for normal samples. */
static bool is_steady(std::vector<float> samples)
{
    float median = median_of(samples);
    for (float &value : samples) {
        value = std::fabs(value - median);
    }
    double deviation = 1.4826 * median_of(samples);
    return 1.2533 * deviation / std::sqrt((double)samples.size()) < STEADY * median;
}

/* Keeps a stream waiting while the host enqueues what is to be timed, so that the host's part of a
 * launch does not count. */
__global__ static void spin_kernel(uint64_t ns)
{
    uint64_t begin = 0;
    uint64_t now = 0;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    } while (now - begin < ns);
}

/* A work as a graph. */
struct replay {
    int device;
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t run;
};

static struct replay capture(const struct gpu_work &work)
{
    struct replay replay = {work.device, work.stream, nullptr, nullptr};
    cuda_check(cudaSetDevice(work.device));
    cuda_check(cudaStreamBeginCapture(work.stream, cudaStreamCaptureModeRelaxed));
    work.launch();
    cuda_check(cudaStreamEndCapture(work.stream, &replay.graph));
    cuda_check(cudaGraphInstantiate(&replay.run, replay.graph, 0));
    cuda_check(cudaGraphUpload(replay.run, work.stream));
    cuda_check(cudaStreamSynchronize(work.stream));
    return replay;
}

static float run_once(const std::vector<struct replay> &replays, cudaEvent_t begin, cudaEvent_t end)
{
    float ms = 0;
    for (size_t i = replays.size(); i-- > 0;) { /* the timed one last, so that it need not wait */
        cuda_check(cudaSetDevice(replays[i].device));
        if (i == 0) {
            spin_kernel<<<1, 1, 0, replays[i].stream>>>(SPIN_NS);
            cuda_check(cudaEventRecord(begin, replays[i].stream));
        }
        cuda_check(cudaGraphLaunch(replays[i].run, replays[i].stream));
    }
    cuda_check(cudaEventRecord(end, replays[0].stream));
    for (size_t i = replays.size(); i-- > 0;) {
        cuda_check(cudaSetDevice(replays[i].device));
        cuda_check(cudaStreamSynchronize(replays[i].stream));
    }
    cuda_check(cudaEventElapsedTime(&ms, begin, end));
    return ms;
}

/* Until clocks have settled to this work: after heavy work they are low for a while. */
static void warm_up(const std::vector<struct replay> &replays, cudaEvent_t begin, cudaEvent_t end)
{
    double warm_ms = 0;
    for (int i = 1; warm_ms < WARM_MS || i < WARM_UPS; i++) {
        warm_ms += run_once(replays, begin, end);
    }
}

static struct timing timing_of(std::vector<float> samples)
{
    std::sort(samples.begin(), samples.end());
    struct timing timing;
    size_t last = samples.size() - 1;
    timing.median_ms = median_of(samples);
    timing.p10_ms = samples[last / 10];
    timing.p90_ms = samples[last - last / 10];
    timing.samples = (int)samples.size();
    timing.noisy = timing.p90_ms - timing.p10_ms > 0.04 * timing.median_ms;
    timing.sm_mhz = gpu_clock_mhz();
    return timing;
}

struct timing time_works(const std::vector<gpu_work> &works, double budget_s)
{
    std::vector<struct replay> replays;
    for (const struct gpu_work &work : works) {
        cuda_check(cudaSetDevice(work.device));
        work.rehearse();
        cuda_check(cudaStreamSynchronize(work.stream));
        replays.push_back(capture(work));
    }
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    cuda_check(cudaSetDevice(works[0].device));
    cuda_check(cudaEventCreate(&begin));
    cuda_check(cudaEventCreate(&end));
    std::vector<float> samples = {run_once(replays, begin, end)};
    bool is_long = samples[0] > LONG_MS; /* its rehearsal was warm-up enough */
    if (!is_long) {
        warm_up(replays, begin, end);
        samples.clear();
    }
    int fewest = is_long ? FEWEST_LONG : FEWEST;
    double spent_s = 0;
    while ((int)samples.size() < fewest ||
           (((int)samples.size() == FEWEST_LONG || spent_s < budget_s) &&
            (int)samples.size() < MOST && !is_steady(samples))) {
        samples.push_back(run_once(replays, begin, end));
        spent_s += samples.back() / 1000;
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    for (const struct replay &replay : replays) {
        cudaGraphExecDestroy(replay.run);
        cudaGraphDestroy(replay.graph);
    }
    return timing_of(samples);
}

struct timing time_launches(const std::function<void()> &launch, cudaStream_t stream,
                            double budget_s)
{
    struct gpu_work work;
    cuda_check(cudaGetDevice(&work.device));
    work.stream = stream;
    work.rehearse = launch;
    work.launch = launch;
    return time_works({work}, budget_s);
}

struct timing time_queued(const std::function<void()> &queue, cudaStream_t stream, double hold_ms)
{
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    std::vector<float> samples;
    cuda_check(cudaEventCreate(&begin));
    cuda_check(cudaEventCreate(&end));
    for (int i = 0; i < WARM_UPS + QUEUED_SAMPLES; i++) {
        float ms = 0;
        spin_kernel<<<1, 1, 0, stream>>>((uint64_t)(1e6 * hold_ms));
        cuda_check(cudaEventRecord(begin, stream));
        queue();
        cuda_check(cudaEventRecord(end, stream));
        cuda_check(cudaStreamSynchronize(stream));
        cuda_check(cudaEventElapsedTime(&ms, begin, end));
        if (i >= WARM_UPS) {
            samples.push_back(ms);
        }
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    return timing_of(samples);
}
