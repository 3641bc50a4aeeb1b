#include "sim/base/periodic_growth.h"

static uint32_t place_after(const struct periodic_growth *growth, uint32_t place)
{
    return place + 1 < growth->period ? place + 1 : 0;
}

uint64_t periodic_growth_of_steps(const struct periodic_growth *growth, uint64_t steps)
{
    uint64_t periods = steps / growth->period;
    uint64_t blocks = periods * growth->sum;
    uint32_t place = growth->first;
    for (uint64_t left = steps - periods * growth->period; left > 0; left--) {
        blocks += growth->blocks[place];
        place = place_after(growth, place);
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
