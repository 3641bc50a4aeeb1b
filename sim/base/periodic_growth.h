/* How the blocks of requests that all decode grow from step to step: each takes one, or some at a
 * time, whenever its last is full, so the same numbers come again after as many steps as what it
 * takes has tokens. */
#ifndef SIM_BASE_PERIODIC_GROWTH_H
#define SIM_BASE_PERIODIC_GROWTH_H

#include <stdint.h>

/* Turn t takes 'blocks[(first + t) % period]'. */
struct periodic_growth {
    const uint32_t *blocks;
    uint32_t period;
    uint32_t first;
    uint32_t sum;     /* over a period */
    uint32_t members; /* requests that get a token each step */
};

/* Blocks that the first 'steps' steps take. */
uint64_t periodic_growth_of_steps(const struct periodic_growth *growth, uint64_t steps);

/* No more blocks than these are taken by so many steps: all of whole periods, rounded up. */
static inline uint64_t periodic_growth_bound(const struct periodic_growth *growth, uint64_t steps)
{
    return (steps / growth->period + 1) * growth->sum;
}

/* The most steps that together take at most 'blocks'; UINT64_MAX where nothing is ever taken. */
uint64_t periodic_growth_steps_within(const struct periodic_growth *growth, uint64_t blocks);

#endif
