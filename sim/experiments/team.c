#include "sim/experiments/team.h"

#include <assert.h>
#include <stdlib.h>

#ifdef KVCAST_HAS_MPI
#include <mpi.h>
#endif

/* Launchers of Open MPI, MPICH and Slurm say how many they have started. */
static bool is_launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (getenv(names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

#ifdef KVCAST_HAS_MPI

bool team_is_built(void)
{
    return true;
}

bool team_join(struct team *ret_team, struct error *error)
{
    int rank = 0;
    int size = 1;
    *ret_team = (struct team){.rank = 0, .size = 1};
    if (!is_launched()) {
        return true;
    }
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS ||
        MPI_Comm_rank(MPI_COMM_WORLD, &rank) != MPI_SUCCESS ||
        MPI_Comm_size(MPI_COMM_WORLD, &size) != MPI_SUCCESS) {
        return error_set(error, "MPI could not be started");
    }
    *ret_team = (struct team){.rank = (uint32_t)rank, .size = (uint32_t)size};
    assert(ret_team->rank < ret_team->size);
    return true;
}

void team_leave(const struct team *team)
{
    int is_started = 0;
    (void)team;
    if (MPI_Initialized(&is_started) == MPI_SUCCESS && is_started) {
        MPI_Finalize();
    }
}

/* A failed message ends all processes (MPI_ERRORS_ARE_FATAL), so that nothing is left to check. */
void team_send(uint32_t to, const void *message, size_t bytes)
{
    MPI_Send(message, (int)bytes, MPI_BYTE, (int)to, 0, MPI_COMM_WORLD);
}

uint32_t team_receive(uint32_t from, void *message, size_t bytes)
{
    MPI_Status status;
    int source = from == TEAM_ANYONE ? MPI_ANY_SOURCE : (int)from;
    MPI_Recv(message, (int)bytes, MPI_BYTE, source, 0, MPI_COMM_WORLD, &status);
    return (uint32_t)status.MPI_SOURCE;
}

#else

bool team_is_built(void)
{
    return false;
}

bool team_join(struct team *ret_team, struct error *error)
{
    *ret_team = (struct team){.rank = 0, .size = 1};
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    size = size != NULL ? size : getenv("PMI_SIZE");
    return !is_launched() || size == NULL || strtoul(size, NULL, 10) <= 1 ||
           error_set(error,
                     "started as %s processes, but built without MPI: install its headers "
                     "(libopenmpi-dev) and build again, or give each process a --shard",
                     size);
}

void team_leave(const struct team *team)
{
    (void)team;
}

/* A process that is alone has nobody to talk to. */
void team_send(uint32_t to, const void *message, size_t bytes)
{
    (void)to;
    (void)message;
    (void)bytes;
    assert(false);
}

uint32_t team_receive(uint32_t from, void *message, size_t bytes)
{
    (void)message;
    (void)bytes;
    assert(false);
    return from;
}

#endif
