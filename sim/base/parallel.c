#include "sim/base/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

struct pool {
    parallel_work *work;
    void *context;
    uint32_t count;
    atomic_uint next;
    atomic_bool failed;
    pthread_mutex_t mutex; /* guards what follows */
    uint32_t failed_index;
    struct error error;
};

uint32_t parallel_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    int cores = CPU_COUNT(&set);
    return cores > 1 ? (uint32_t)cores : 1;
}

/* Indices are handed out in rising order, so every index below a failed one has begun. */
static void note_failure(struct pool *pool, uint32_t index, const struct error *error)
{
    pthread_mutex_lock(&pool->mutex);
    if (!pool->failed || index < pool->failed_index) {
        pool->failed_index = index;
        pool->error = *error;
        pool->failed = true;
    }
    pthread_mutex_unlock(&pool->mutex);
}

static void *work_on(void *context)
{
    struct pool *pool = context;
    while (!pool->failed) {
        uint32_t index = atomic_fetch_add(&pool->next, 1);
        struct error error = {.message = ""};
        if (index >= pool->count) {
            break;
        }
        if (!pool->work(pool->context, index, &error)) {
            note_failure(pool, index, &error);
        }
    }
    return NULL;
}

bool parallel_for(uint32_t count, uint32_t jobs, parallel_work *work, void *context,
                  struct error *error)
{
    struct pool pool = {.work = work, .context = context, .count = count};
    pthread_t threads[PARALLEL_MAX_JOBS];
    uint32_t started = 0;
    assert(work != NULL && count <= UINT32_MAX - PARALLEL_MAX_JOBS);
    jobs = jobs > 0 ? jobs : parallel_cores();
    jobs = jobs < PARALLEL_MAX_JOBS ? jobs : PARALLEL_MAX_JOBS;
    pthread_mutex_init(&pool.mutex, NULL);
    while (started + 1 < jobs && started + 1 < count &&
           pthread_create(&threads[started], NULL, work_on, &pool) == 0) {
        started++;
    }
    work_on(&pool);
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&pool.mutex);
    if (pool.failed) {
        *error = pool.error;
    }
    return !pool.failed;
}
