/* Two caches of the process, each filled under pthread_once and constant from then on. */
#include "sim/pricing/cost_catalog.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/hardware/model_catalog.h"
#include "sim/pricing/step_cost_file.h"
#include "sim/pricing/step_profile_file.h"

bool cost_catalog_configuration(const struct step_cost *cost, struct cost_configuration *ret_made,
                                struct error *error)
{
    const struct step_cost_identity *identity = &cost->identity;
    assert(identity->tensor_parallel > 0);
    ret_made->tensor_parallel = identity->tensor_parallel;
    ret_made->max_batch_requests = identity->max_batch_requests;
    ret_made->max_batch_tokens = identity->max_batch_tokens;
    return (model_shape_find(identity->model, &ret_made->model, error) &&
            gpu_find(identity->gpu, &ret_made->gpu, error) &&
            weight_precision_find(identity->weights, &ret_made->weights, error) &&
            kv_precision_find(identity->kv_cache, &ret_made->kv, error)) ||
           error_add_place(error, "calibration '%s'", identity->name);
}

static bool compose(const char *path, struct step_cost *cost, struct error *error)
{
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    bool ok =
        step_profile_read(profile, path, error) && step_profile_compose(profile, path, cost, error);
    free(profile);
    return ok;
}

bool cost_catalog_read_profile(const char *path, struct catalog_cost *ret_cost, struct error *error)
{
    assert(path != NULL);
    return compose(path, &ret_cost->cost, error) &&
           cost_catalog_configuration(&ret_cost->cost, &ret_cost->made, error);
}

/* How the files of a folder become step costs. */
struct kind {
    const char *folder;
    bool (*read)(struct step_cost *cost, const char *path, struct error *error);
};

static bool compose_at(struct step_cost *cost, const char *path, struct error *error)
{
    return compose(path, cost, error);
}

static bool read_kind(struct kind kind, struct cost_catalog *catalog, struct error *error)
{
    size_t capacity = 0;
    bool ok = true;
    const struct embedded_file *file = NULL;
    while (ok && (file = embedded_next(kind.folder, file)) != NULL) {
        catalog->costs =
            memory_grow(catalog->costs, &capacity, catalog->count + 1, sizeof catalog->costs[0]);
        struct catalog_cost *added = &catalog->costs[catalog->count++];
        ok = kind.read(&added->cost, file->path, error) &&
             cost_catalog_configuration(&added->cost, &added->made, error);
    }
    return ok;
}

struct cache {
    pthread_once_t once;
    bool ok;
    struct cost_catalog catalog;
    struct error error;
};

static struct cache calibrations = {.once = PTHREAD_ONCE_INIT};
static struct cache profiles = {.once = PTHREAD_ONCE_INIT};

static void read_calibrations(void)
{
    const struct kind kind = {"calibration/", step_cost_read};
    calibrations.ok = read_kind(kind, &calibrations.catalog, &calibrations.error);
}

static void read_profiles(void)
{
    const struct kind kind = {"profiler/profiles/", compose_at};
    profiles.ok = read_kind(kind, &profiles.catalog, &profiles.error);
}

static bool take(const struct cache *cache, const struct cost_catalog **ret_catalog,
                 struct error *error)
{
    if (!cache->ok) {
        *error = cache->error;
        return false;
    }
    assert(cache->catalog.count == 0 || cache->catalog.costs != NULL);
    *ret_catalog = &cache->catalog;
    return true;
}

bool cost_catalog_calibrations(const struct cost_catalog **ret_catalog, struct error *error)
{
    pthread_once(&calibrations.once, read_calibrations);
    return take(&calibrations, ret_catalog, error);
}

bool cost_catalog_profiles(const struct cost_catalog **ret_catalog, struct error *error)
{
    pthread_once(&profiles.once, read_profiles);
    return take(&profiles, ret_catalog, error);
}
