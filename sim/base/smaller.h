/* The smaller of two counts. */
#ifndef SIM_BASE_SMALLER_H
#define SIM_BASE_SMALLER_H

#include <stdint.h>

static inline uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
