/* Many runs of one scenario with some settings varied, on all cores, into a database that a stopped
 * sweep goes on with. */
#ifndef SIM_EXPERIMENTS_SWEEP_H
#define SIM_EXPERIMENTS_SWEEP_H

#include "sim/experiments/design.h"
#include "sim/experiments/sweep_store.h"
#include "sim/experiments/team.h"

/* The scenario that points start from, as the command line gives it. */
struct sweep_base {
    const char *path; /* NULL: the default */
    struct option_list assignments;
    const char *seed; /* NULL: as it is */
    bool noise;       /* draw noise though the scenario does not say so */
};

struct sweep_settings {
    struct sweep_base base;
    struct option_list axes; /* "KEY=VALUES" (axis.h) */
    const char *sample;      /* "latin:N"; NULL: all combinations */
    uint32_t replications;   /* seeds of each point, at least 1; more than one draw noise */
    uint32_t jobs;           /* 0: one a core */
    uint32_t shard;          /* from 0: run only each 'shards'-th row */
    uint32_t shards;         /* at least 1 */
    struct team team;        /* rank 0 writes the rows, the others run them; alone it does both */
    /* After each row, from any thread but never from two at a time; NULL: nobody watches. */
    void (*on_row)(void *context, uint64_t done, uint64_t of);
    void *context;
};

struct sweep_outcome {
    uint32_t points;
    uint64_t planned; /* rows of this shard */
    uint64_t found;   /* of them in the file before */
    uint64_t ran;
    uint64_t refused; /* of those: what the scenario asks for cannot be */
};

/* Runs what is not in the file yet. The rows do not depend on the number of cores, on shards, or on
 * where a sweep was stopped. A point whose scenario is an error becomes a row that says so. */
MUST_CHECK bool sweep_run(const struct sweep_settings *settings, const char *path,
                          struct sweep_outcome *ret_outcome, struct error *error);

/* The part of a process that is not rank 0 of its team: runs rows for it until there are no more.
 * What goes wrong rank 0 is told of. */
void sweep_work(const struct sweep_settings *settings);

/* Writes the rows of a sweep's file to 'csv_path', whole or not at all. */
MUST_CHECK bool sweep_export(struct sweep_store *store, const char *csv_path, struct error *error);

#endif
