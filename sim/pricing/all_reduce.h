/* How long GPUs take to add up a message that each of them holds, as tensor parallelism does twice
 * a layer. */
#ifndef SIM_PRICING_ALL_REDUCE_H
#define SIM_PRICING_ALL_REDUCE_H

#include "sim/hardware/gpu.h"

/* Microseconds for a message of 'bytes' between 'gpus' of a kind: measured on H200 over NVLink, or
 * on L40S over PCIe for cards without NVLink between all; 0 for one GPU. */
double all_reduce_us(const struct gpu *gpu, uint32_t gpus, double bytes);

#endif
