/* How long GPUs take to add up a message that each of them holds, as tensor parallelism does twice
 * a layer. The times are measured ones (sim/pricing/data/all-reduces.json). */
#ifndef SIM_PRICING_ALL_REDUCE_H
#define SIM_PRICING_ALL_REDUCE_H

#include "sim/hardware/gpu.h"

enum { ALL_REDUCE_MAX_POINTS = 16 };

/* Of so many GPUs that reach each other in one way. */
struct all_reduce_table {
    char peer_access[8]; /* as the GPU file has it */
    char link[16];       /* how the link's name begins; "" for any */
    uint32_t gpus;
    uint32_t points;
    double bytes[ALL_REDUCE_MAX_POINTS];
    double us[ALL_REDUCE_MAX_POINTS];
};

struct all_reduce_tables {
    struct all_reduce_table *tables;
    uint32_t count;
    double wire_share; /* of the data sheet's PCIe rate that a message reaches at most */
};

/* Reads the shipped tables; each way of reaching a peer has its tables in rising order of GPUs. */
MUST_CHECK bool all_reduce_tables_read(struct all_reduce_tables *tables, struct error *error);
void all_reduce_tables_clear(struct all_reduce_tables *tables);

/* Microseconds for a message of 'bytes' between 'gpus' of a kind; 0 for one GPU. Taken from the
 * smallest table of at least so many GPUs, else from the largest; where no table has their link,
 * from the first that reaches peers like them, and where they are not known to reach each other,
 * from GPUs that copy through the host. */
double all_reduce_us(const struct all_reduce_tables *tables, const struct gpu *gpu, uint32_t gpus,
                     double bytes);

#endif
