/* How fast bytes move between host and GPU, and between two GPUs: what swapping a KV cache, handing
 * it to another instance, and tensor parallelism cost. */
#ifndef PROFILER_LINKS_H
#define PROFILER_LINKS_H

#include <string>
#include <vector>

#include "profiler/timer.h"

struct link_point {
    std::string operation; /* host_to_device, device_to_host, device_to_device, all_reduce_one_shot,
                            * all_reduce_nccl */
    size_t bytes;
    struct timing timing;
};

/* Those of GPU 0, and of GPUs 0 and 1 where 'gpus' is 2; all-reduces are of bf16. */
std::vector<struct link_point> links_measure(int gpus);

#endif
