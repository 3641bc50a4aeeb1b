/* How the blocks of requests that all decode grow from turn to turn: each takes one, or some at a
 * time, whenever its last is full, so the same numbers come again after as many turns as what it
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
    uint32_t members; /* requests that get a token each turn */
};

/* Blocks that the first 'turns' turns take. */
uint64_t periodic_growth_of_turns(const struct periodic_growth *growth, uint64_t turns);

/* The most turns that together take at most 'blocks'; UINT64_MAX where nothing is ever taken. */
uint64_t periodic_growth_turns_within(const struct periodic_growth *growth, uint64_t blocks);

#endif
