#include "sim/experiments/search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"

#define RISE 1.2

struct state {
    const struct search *search;
    double *misses; /* NAN: not tried */
    uint32_t tried;
};

static bool succeeds(struct state *state, uint32_t index)
{
    assert(index < state->search->count);
    if (isnan(state->misses[index])) {
        state->misses[index] = state->search->try(state->search->context, index);
        state->tried++;
        assert(!isnan(state->misses[index]));
    }
    return state->misses[index] < 1;
}

/* The success next to a miss; 'low' misses and 'high' succeeds. */
static uint32_t halve(struct state *state, uint32_t low, uint32_t high)
{
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (succeeds(state, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

/* 'count' where nothing tried succeeds. */
static uint32_t look_from_start(struct state *state)
{
    uint32_t count = state->search->count;
    uint32_t low = state->search->start;
    if (succeeds(state, low)) {
        uint32_t high = low;
        for (uint32_t stride = 1; high > 0; stride *= 2) {
            low = high > stride ? high - stride : 0;
            if (!succeeds(state, low)) {
                return halve(state, low, high);
            }
            high = low;
        }
        return 0;
    }
    for (uint32_t stride = 1; low + 1 < count; stride *= 2) {
        uint32_t high = low + stride < count ? low + stride : count - 1;
        if (succeeds(state, high)) {
            return halve(state, low, high);
        }
        low = high;
    }
    return count;
}

static bool is_monotone(const struct state *state)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < state->search->count; i++) {
        double miss = state->misses[i];
        if (!isnan(miss)) {
            if (miss > RISE * least) {
                return false;
            }
            least = fmin(least, miss);
        }
    }
    return true;
}

static uint32_t look_at_all(struct state *state)
{
    uint32_t index = 0;
    while (index < state->search->count && !succeeds(state, index)) {
        index++;
    }
    return index;
}

static uint32_t smallest_miss(const struct state *state)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < state->search->count; i++) {
        if (isnan(state->misses[best]) || state->misses[i] < state->misses[best]) {
            best = i;
        }
    }
    return best;
}

struct search_result search_first(const struct search *search)
{
    assert(search->count > 0 && search->start < search->count);
    struct state state = {.search = search};
    state.misses = memory_zeroed(search->count, sizeof state.misses[0]);
    for (uint32_t i = 0; i < search->count; i++) {
        state.misses[i] = NAN;
    }
    uint32_t index = search->all ? look_at_all(&state) : look_from_start(&state);
    struct search_result result = {.is_monotone = is_monotone(&state)};
    if (!search->all && !result.is_monotone) {
        index = look_at_all(&state);
    }
    result.found = index < search->count;
    result.index = result.found ? index : smallest_miss(&state);
    result.tried = state.tried;
    free(state.misses);
    return result;
}
