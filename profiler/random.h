/* Random numbers by counter: the same for the same seed and index, on whatever thread. */
#ifndef PROFILER_RANDOM_H
#define PROFILER_RANDOM_H

#include <cstdint>

/* SplitMix64 (Steele, Lea and Flood, 2014). */
__host__ __device__ static inline uint64_t random_bits(uint64_t seed, uint64_t index)
{
    uint64_t z = (seed * 0xD1B54A32D192ED03ull + index + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return z;
}

/* From 0 up to, not including, 1. */
__device__ static inline float random_uniform(uint64_t seed, uint64_t index)
{
    return (float)(random_bits(seed, index) >> 40) * (1.0f / 16777216.0f);
}

#endif
