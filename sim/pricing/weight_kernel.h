/* How an engine's kernels use each weight format, relative to bf16
 * (sim/pricing/data/weight-kernels.json). */
#ifndef SIM_PRICING_WEIGHT_KERNEL_H
#define SIM_PRICING_WEIGHT_KERNEL_H

#include "sim/hardware/gpu.h"

struct weight_kernel {
    char weights[32];
    char kernel[32];
    double from_capability; /* compute capabilities that take this kernel: from here */
    double to_capability;   /* to below here; both 0: every GPU */
    double read;            /* bandwidth on the linear layers' bytes, at hidden size 5120 */
    double read_exponent;   /* how it grows with the hidden size */
    double batch;           /* rise of a decode step with its batch */
    double compute;         /* rate of large prefills */
    double tile_change;     /* decode base of 17 to 47 requests, where the kernel changes tiles */
    double product_us;      /* what each product of a layer takes longer, whatever its size */
};

struct weight_kernels {
    struct weight_kernel *kernels;
    uint32_t count;
};

MUST_CHECK bool weight_kernels_read(struct weight_kernels *kernels, struct error *error);
void weight_kernels_clear(struct weight_kernels *kernels);

/* The kernel that an engine takes for 'weights' on 'gpu'. An error where the file has none, or
 * where it depends on a compute capability that the GPU file lacks. */
MUST_CHECK bool weight_kernel_find(const struct weight_kernels *kernels, const char *weights,
                                   const struct gpu *gpu, const struct weight_kernel **ret_found,
                                   struct error *error);

#endif
