/* The smaller of two counts, or of two numbers neither of which is NaN. */
#ifndef SIM_BASE_SMALLER_H
#define SIM_BASE_SMALLER_H

#include <stdint.h>

static inline uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline double smaller_of(double a, double b)
{
    return a < b ? a : b;
}

#endif
