/* 4-bit weights as they lie in memory, and how a lane gets at them. */
#ifndef PROFILER_FOUR_BIT_UNIT_H
#define PROFILER_FOUR_BIT_UNIT_H

#include "profiler/linear.h"

enum {
    GROUP = 128,  /* columns of a unit */
    SET_ROWS = 32 /* rows of it: two tiles of the tensor cores */
};

/* The levels of NF4 as bf16: low bytes of four at a time, then the high ones. */
struct nf4_table {
    uint32_t low[4];
    uint32_t high[4];
};

extern const float nf4_levels[16];
struct nf4_table nf4_table_make(void);

/* 32 rows by 128 columns, as they lie in memory: [n / 32][k / 128] of them. A lane's word holds
 * what it feeds to one tensor-core step: eight weights of rows g and g + 8 of a tile. */
template <weight_type FORMAT> struct unit {
    static constexpr int scale_rows = FORMAT == weight_type::nf4 ? 2 : 1;
    uint4 words[2][2][32]; /* tile of rows, half of the columns, lane */
    bf16 scales[scale_rows][SET_ROWS];
};

/* word & mask | bits in one instruction, for which one of the two must not be a constant of it. */
__device__ static inline uint32_t take_bits(uint32_t word, uint32_t mask, uint32_t bits)
{
    uint32_t taken = 0;
    asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(taken) : "r"(word), "r"(mask), "r"(bits));
    return taken;
}

/* A constant that the compiler takes for a variable. */
__device__ static inline uint32_t kept_in_register(uint32_t value)
{
    uint32_t kept = 0;
    asm volatile("mov.b32 %0, %1;" : "=r"(kept) : "r"(value));
    return kept;
}

/* Eight weights as 128 + q, by 0x43 00 | q. */
__device__ static inline void unpack_int4(uint32_t word, uint32_t magic, uint32_t a[4])
{
#pragma unroll
    for (int i = 0; i < 4; i++) {
        a[i] = take_bits(word >> (4 * i), 0x000f000fu, magic);
    }
}

/* Eight weights by looking bytes up in registers: first as if the fourth bit of each were 0, and as
 * if it were 1, then the one of the two that is right. */
__device__ static inline void unpack_nf4(uint32_t word, uint32_t magic,
                                         const struct nf4_table &table, uint32_t a[4])
{
    uint32_t which = word & 0x77777777u;
    uint32_t right = take_bits(word >> 1, 0x44444444u, magic);
#pragma unroll
    for (int half = 0; half < 2; half++) {
        uint32_t low = __byte_perm(__byte_perm(table.low[0], table.low[1], which),
                                   __byte_perm(table.low[2], table.low[3], which), right);
        uint32_t high = __byte_perm(__byte_perm(table.high[0], table.high[1], which),
                                    __byte_perm(table.high[2], table.high[3], which), right);
        a[2 * half] = __byte_perm(low, high, 0x5140);
        a[2 * half + 1] = __byte_perm(low, high, 0x7362);
        which >>= 16;
        right >>= 16;
    }
}

template <weight_type FORMAT>
constexpr uint32_t magic_of = FORMAT == weight_type::nf4 ? 0x32103210u : 0x43004300u;

/* As q - 8. */
__device__ static inline void center_int4(uint32_t a[4])
{
    const __nv_bfloat162 offset = __float2bfloat162_rn(136.0f);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        __nv_bfloat162 pair = __hsub2(*reinterpret_cast<__nv_bfloat162 *>(&a[i]), offset);
        a[i] = *reinterpret_cast<uint32_t *>(&pair);
    }
}

/* Eight weights: INT4 as q - 8. 'magic' is magic_of<FORMAT>. */
template <weight_type FORMAT>
__device__ static inline void unpack(uint32_t word, uint32_t magic, const struct nf4_table &table,
                                     uint32_t a[4])
{
    if constexpr (FORMAT == weight_type::nf4) {
        unpack_nf4(word, magic, table, a);
    } else {
        unpack_int4(word, magic, a);
        center_int4(a);
    }
}

#endif
