#include "sim/metrics/falling_gaps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void falling_gaps_clear(struct falling_gaps *gaps)
{
    free(gaps->gaps);
    memset(gaps, 0, sizeof *gaps);
}

void falling_gaps_add(struct falling_gaps *gaps, uint64_t token, int64_t gap_ps)
{
    assert(gaps->count == 0 || token > gaps->gaps[gaps->count - 1].token);
    while (gaps->count > 0 && gaps->gaps[gaps->count - 1].gap_ps <= gap_ps) {
        gaps->count--;
    }
    if (gaps->count == gaps->capacity) {
        gaps->gaps =
            memory_grow(gaps->gaps, &gaps->capacity, (size_t)gaps->count + 1, sizeof gaps->gaps[0]);
    }
    gaps->gaps[gaps->count++] = (struct token_gap){.token = token, .gap_ps = gap_ps};
}

int64_t falling_gaps_largest(const struct falling_gaps *gaps, uint64_t token)
{
    uint32_t low = 0;
    uint32_t high = gaps->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (gaps->gaps[middle].token > token) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < gaps->count ? gaps->gaps[low].gap_ps : 0;
}
