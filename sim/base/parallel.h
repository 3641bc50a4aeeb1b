/* Independent pieces of work on all cores. What comes out may not depend on how many there are. */
#ifndef SIM_BASE_PARALLEL_H
#define SIM_BASE_PARALLEL_H

#include <stdint.h>

#include "sim/base/error.h"

enum { PARALLEL_MAX_JOBS = 256 };

/* Does piece 'index'; called from several threads at a time, for each index once. */
typedef bool parallel_work(void *context, uint32_t index, struct error *error);

/* Cores that this process may use, at least 1. */
uint32_t parallel_cores(void);

/* Does pieces 0 to 'count' - 1 on 'jobs' threads (0: one a core), this one among them, in rising
 * order. After a failure no further piece begins, and 'error' is that of the lowest index that
 * failed, the same on any number of cores. */
MUST_CHECK bool parallel_for(uint32_t count, uint32_t jobs, parallel_work *work, void *context,
                             struct error *error);

#endif
