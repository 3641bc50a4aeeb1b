/* Drawing tokens from logits [rows][vocabulary]. */
#ifndef PROFILER_SAMPLING_H
#define PROFILER_SAMPLING_H

#include "profiler/elementwise.h"

struct sampling {
    float temperature = 0.6f;
    float top_p = 1; /* below 1: only the likeliest tokens that together reach it, */
    int top_k = 0;   /* of the so many likeliest; 0: of all */
};

/* ids[r] = a draw from softmax(logits[r] / temperature), cut as asked; tokens as likely as the last
 * one kept are kept too. */
void sample(const bf16 *logits, int *ids, int rows, int vocabulary, const struct sampling &sampling,
            uint64_t seed, cudaStream_t stream);

bool sampling_check(void);

#endif
