/* The points of a profile. */
#ifndef PROFILER_GRID_H
#define PROFILER_GRID_H

#include "profiler/model.h"
#include "profiler/profile.h"

/* Steps whose KV cache holds at most so many tokens, and operations; few of them on request. */
std::vector<point_key> grid_make(bool is_small, int most_kv_tokens);

/* Tokens of the largest step, and requests. */
enum { GRID_MOST_REQUESTS = 256, GRID_MOST_TOKENS = 16384 + GRID_MOST_REQUESTS };

struct step grid_step(const point_key &key);

#endif
