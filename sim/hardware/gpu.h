/* GPU data sheets: memory, rates, price. */
#ifndef SIM_HARDWARE_GPU_H
#define SIM_HARDWARE_GPU_H

#include <stdint.h>

#include "sim/base/error.h"

/* Share of a link's rate on its sheet that copies reach: on two H200, 55.3 of 63 GB/s from and to
 * the host, 395 of 450 to each other (profiler/links/h200-x2.json). */
#define GPU_COPY_EFFICIENCY 0.878

/* Rates are dense and per GPU; 0 means not known. */
struct gpu {
    char name[48];
    char driver_name[48]; /* without "NVIDIA ", where it is another one; "" if not */
    double memory_mib;    /* what the driver reports, or nominal */
    double memory_gb_per_s;
    double bf16_tflops;
    double fp8_tflops;
    double int8_tops;
    double l2_mb;
    uint32_t sm_count;
    double power_w;
    char link[64];        /* "NVLink..." where all GPUs of a host are linked */
    double link_gb_per_s; /* to a peer GPU, each direction */
    double pcie_gb_per_s; /* each direction */
    double price_low_usd_per_hour;
    double price_high_usd_per_hour;
};

struct gpu_catalog {
    struct gpu *gpus;
    uint32_t count;
};

/* Reads the shipped catalog (sim/hardware/data/gpus.json). */
MUST_CHECK bool gpu_catalog_read(struct gpu_catalog *catalog, struct error *error);
void gpu_catalog_clear(struct gpu_catalog *catalog);

/* The GPU called 'name', by us or by its driver: equal but for case and a leading "NVIDIA ", else
 * the first whose name contains it. */
MUST_CHECK bool gpu_catalog_find(const struct gpu_catalog *catalog, const char *name,
                                 struct gpu *ret_gpu, struct error *error);

/* The same, from the shipped catalog. */
MUST_CHECK bool gpu_find(const char *name, struct gpu *ret_gpu, struct error *error);

#endif
