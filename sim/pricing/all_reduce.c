#include "sim/pricing/all_reduce.h"

#include <math.h>

#include "sim/base/text.h"

enum { POINTS = 8 };

struct table {
    uint32_t gpus;
    double bytes[POINTS];
    double us[POINTS];
};

/* H200, vLLM 0.24 under a CUDA graph: its one-shot kernel up to 8 MB (aiconfigurator,
 * h200_sxm/comm/vllm/0.24.0/custom_allreduce_perf.parquet), NCCL 2.29.2 for the last point
 * (h200_sxm/comm/nccl/2.29.2/nccl_perf.parquet); Apache-2.0. */
static const struct table nvlink[] = {
    {2,
     {256, 8192, 32768, 131072, 1048576, 4194304, 16777216, 67108864},
     {4.38, 4.64, 4.62, 4.82, 8.43, 20.49, 76.57, 248.32}},
    {4,
     {256, 8192, 32768, 131072, 1048576, 4194304, 16777216, 67108864},
     {4.43, 4.77, 4.92, 5.81, 12.1, 29.83, 93.78, 323.27}},
    {8,
     {256, 8192, 32768, 131072, 1048576, 4194304, 16777216, 67108864},
     {4.71, 5.14, 5.67, 7.94, 14.07, 28.43, 87.17, 319.63}},
};

/* L40S on PCIe 4, NCCL 2.27.3, no peer access between sockets (aiconfigurator,
 * l40s/comm/nccl/2.27.3/nccl_perf.parquet; Apache-2.0). */
static const struct table pcie[] = {
    {2,
     {512, 8192, 65536, 262144, 1048576, 8388608, 67108864, 536870912},
     {7.74, 8.09, 12.56, 30.67, 74.76, 428.9, 3358.8, 26700}},
    {4,
     {512, 8192, 65536, 262144, 1048576, 8388608, 67108864, 536870912},
     {11.89, 12.98, 32.2, 109.7, 268.3, 2458.8, 19699, 156034}},
    {8,
     {512, 8192, 65536, 262144, 1048576, 8388608, 67108864, 536870912},
     {22.6, 32.51, 164.5, 426, 863.2, 9987.8, 55412, 649471}},
};

/* Straight lines between the logarithms, extended beyond the last; level below the first. */
static double look_up(const struct table *table, double bytes)
{
    uint32_t right = 1;
    if (bytes <= table->bytes[0]) {
        return table->us[0];
    }
    while (right + 1 < POINTS && bytes > table->bytes[right]) {
        right++;
    }
    double slope = log(table->us[right] / table->us[right - 1]) /
                   log(table->bytes[right] / table->bytes[right - 1]);
    return table->us[right] * pow(bytes / table->bytes[right], slope);
}

double all_reduce_us(const struct gpu *gpu, uint32_t gpus, double bytes)
{
    bool all_linked =
        text_starts_with(gpu->link, "NVLink") || text_starts_with(gpu->link, "Infinity Fabric");
    const struct table *tables = all_linked ? nvlink : pcie;
    uint32_t i = gpus <= 2 ? 0 : gpus <= 4 ? 1 : 2;
    return gpus > 1 ? look_up(&tables[i], bytes) : 0;
}
