/* The first of a row of tries that succeeds, where later tries miss by less: found in few tries,
 * and in all of them where the misses turn out not to fall. */
#ifndef SIM_EXPERIMENTS_SEARCH_H
#define SIM_EXPERIMENTS_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

/* By how much try 'index' misses: below 1 it succeeds. Called at most once for each index. */
typedef double search_try(void *context, uint32_t index);

struct search {
    search_try *try;
    void *context;
    uint32_t count; /* of tries there are */
    uint32_t start; /* where to begin: nothing before is expected to succeed */
    bool all;       /* take them all in order until one succeeds */
};

struct search_result {
    bool found;
    uint32_t index; /* of the first success; else of the smallest miss */
    uint32_t tried;
    bool is_monotone; /* no later try missed by more than an earlier one did */
};

/* From 'start' on in growing strides, then by halving; a success at 'start' is followed
 * downwards in the same way.
 * Then the misses of all that was tried are compared: where one rises by more than a fifth, the
 * response is not monotone and whatever was not tried is, from the first on, until one succeeds. */
struct search_result search_first(const struct search *search);

#endif
