/* Two GPUs that read each other's memory: each adds the other's numbers to its own in one kernel,
 * as engines do with messages of up to some megabytes ("one-shot"). */
#ifndef PROFILER_ALL_REDUCE_H
#define PROFILER_ALL_REDUCE_H

#include "profiler/device_memory.h"
#include "profiler/elementwise.h"

enum { ALL_REDUCE_BLOCKS = 64 };

/* Where one of the two says how far it is, in its own memory. */
struct peer_flags {
    device_memory<unsigned> arrived; /* [ALL_REDUCE_BLOCKS], written by the other */
    device_memory<unsigned> rounds;  /* [ALL_REDUCE_BLOCKS], its own */

    void allocate(void);
};

/* The two ends as a kernel sees them; without 'other_arrived' nobody waits. */
struct peer_link {
    unsigned *arrived = nullptr;
    unsigned *other_arrived = nullptr;
    unsigned *rounds = nullptr;
};

struct peer_link peer_link_of(const struct peer_flags &own, const struct peer_flags *other);

/* Lets the current device read the memory of the other; ends the program where it cannot. */
void peer_enable(int other_device);

/* out = own + other, 'count' a multiple of 8. Both sides must call it; neither may write what the
 * other reads before the next call of the two has begun, so callers change buffers. */
void all_reduce(const struct peer_link &link, const bf16 *own, const bf16 *other, bf16 *out,
                size_t count, cudaStream_t stream);

/* out[row] = the two halves of a row, [columns] each; rank 0 has the left one. */
void gather_halves(const struct peer_link &link, const bf16 *own, const bf16 *other, bf16 *out,
                   int rows, int columns, int rank, cudaStream_t stream);

/* On devices 0 and 1. */
bool all_reduce_check(void);

#endif
