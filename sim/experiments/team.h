/* The processes that mpirun has started together, and messages between them. The only place that
 * knows MPI, which the program may have been built without. */
#ifndef SIM_EXPERIMENTS_TEAM_H
#define SIM_EXPERIMENTS_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/error.h"

struct team {
    uint32_t rank;
    uint32_t size; /* 1: the process is alone */
};

/* To be called once. Started together with others by a program that was built without MPI is an
 * error: each would do all of the work. */
MUST_CHECK bool team_join(struct team *ret_team, struct error *error);
void team_leave(const struct team *team);

bool team_is_built(void);

/* Whole messages of so many bytes, between processes of the same program. */
void team_send(uint32_t to, const void *message, size_t bytes);
/* From that process, or TEAM_ANYONE; returns from whom. */
#define TEAM_ANYONE UINT32_MAX
uint32_t team_receive(uint32_t from, void *message, size_t bytes);

#endif
