/* The largest gap between tokens since any of them: of the gaps only those are kept that no later
 * one reached, so they fall. */
#ifndef SIM_METRICS_FALLING_GAPS_H
#define SIM_METRICS_FALLING_GAPS_H

#include <stddef.h>
#include <stdint.h>

struct token_gap {
    uint64_t token; /* the number of the token after it */
    int64_t gap_ps;
};

/* All zero: none. */
struct falling_gaps {
    struct token_gap *gaps;
    uint32_t count;
    size_t capacity;
};

void falling_gaps_clear(struct falling_gaps *gaps);

/* Numbers of tokens rise from call to call. */
void falling_gaps_add(struct falling_gaps *gaps, uint64_t token, int64_t gap_ps);

/* The largest gap before any token with a number above 'token'; 0 without one. */
int64_t falling_gaps_largest(const struct falling_gaps *gaps, uint64_t token);

#endif
