/* GPU data sheets: memory, rates, price. */
#ifndef SIM_HARDWARE_GPU_H
#define SIM_HARDWARE_GPU_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"

/* Share of a link's rate on its sheet that copies reach: on two H200, 55.3 of 63 GB/s from and to
 * the host, 395 of 450 to each other (profiler/links/h200-x2.json). */
#define GPU_COPY_EFFICIENCY 0.878

/* How the GPUs of one host reach each other's memory; the values of 'peer_access'. */
#define GPU_PEER_LINK "link" /* NVLink or Infinity Fabric joins them all */
#define GPU_PEER_PCIE "pcie" /* directly over PCIe */
#define GPU_PEER_NONE "none" /* copies pass through the host */

/* Rates are dense and per GPU; 0 or "" means not known. */
struct gpu {
    char name[48];
    char driver_name[48]; /* without "NVIDIA ", where it is another one; "" if not */
    char aliases[128];    /* other names, separated by '|' */
    double memory_mib;    /* what the driver's tool shows, or nominal */
    double visible_mib;   /* what a program sees, from which engines count */
    double memory_gb_per_s;
    double bf16_tflops;
    double fp8_tflops;
    double int8_tops;
    double l2_mb;
    uint32_t sm_count;
    double compute_capability; /* 9 for Hopper, 8.9 for Ada */
    double power_w;
    char link[64];        /* "NVLink..." where all GPUs of a host are linked */
    double link_gb_per_s; /* to a peer GPU, each direction */
    double pcie_gb_per_s; /* each direction */
    char peer_access[8];  /* GPU_PEER_... */
    double price_low_usd_per_hour;
    double price_high_usd_per_hour;
    char price_source[256];
};

struct gpu_catalog {
    struct gpu *gpus;
    uint32_t count;
};

/* Reads the shipped catalog (sim/hardware/data/gpus.json). */
MUST_CHECK bool gpu_catalog_read(struct gpu_catalog *catalog, struct error *error);
void gpu_catalog_clear(struct gpu_catalog *catalog);

/* The same, read once in a process, shared by all threads and constant from then on. */
MUST_CHECK bool gpu_catalog_shipped(const struct gpu_catalog **ret_catalog, struct error *error);

/* The GPU called 'name': an exact name of ours, the driver's or others', whatever the case and with
 * or without a leading "NVIDIA", or a part that fits one GPU only. A path that ends in ".json" is
 * read as a GPU of the user's own, with the keys of the catalog. */
MUST_CHECK bool gpu_catalog_find(const struct gpu_catalog *catalog, const char *name,
                                 struct gpu *ret_gpu, struct error *error);

/* False with an error that names the missing fact when 'value', its fact called 'key', is 0. */
MUST_CHECK bool gpu_check_fact(const struct gpu *gpu, const char *key, double value,
                               struct error *error);

/* What a program sees of the memory: 'visible_mib', else what the driver's tool shows less what
 * the driver keeps on most GPUs. */
double gpu_visible_mib(const struct gpu *gpu);

/* Adds every fact to 'object'. */
void gpu_echo(const struct gpu *gpu, struct json *object);

/* gpu_catalog_find in the shipped catalog. */
MUST_CHECK bool gpu_find(const char *name, struct gpu *ret_gpu, struct error *error);

#endif
