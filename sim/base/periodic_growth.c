#include "sim/base/periodic_growth.h"

static uint32_t place_after(const struct periodic_growth *growth, uint32_t place)
{
    return place + 1 < growth->period ? place + 1 : 0;
}

uint64_t periodic_growth_of_steps(const struct periodic_growth *growth, uint64_t steps)
{
    uint64_t periods = steps / growth->period;
    uint64_t blocks = periods * growth->sum;
    uint32_t left = (uint32_t)(steps - periods * growth->period);
    uint32_t past = growth->first + left;
    uint32_t end = past < growth->period ? past : growth->period;
    for (uint32_t place = growth->first; place < end; place++) {
        blocks += growth->blocks[place];
    }
    for (uint32_t place = 0; place + growth->period < past; place++) {
        blocks += growth->blocks[place];
    }
    return blocks;
}

uint64_t periodic_growth_steps_within(const struct periodic_growth *growth, uint64_t blocks)
{
    if (growth->sum == 0) {
        return UINT64_MAX;
    }
    uint64_t periods = blocks / growth->sum;
    uint64_t left = blocks - periods * growth->sum;
    uint64_t steps = periods * growth->period;
    uint32_t place = growth->first;
    while (growth->blocks[place] <= left) {
        left -= growth->blocks[place];
        place = place_after(growth, place);
        steps++;
    }
    return steps;
}
