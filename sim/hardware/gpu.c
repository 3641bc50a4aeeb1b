#include "sim/hardware/gpu.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/memory.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/hardware/name_match.h"

/* Two names and what lies between. */
enum { ALIASES_BYTES = 192 };

/* Between what the tool shows and what programs see: 450 to 720 MiB on RTX 4090, L4, A10, H100,
 * H200 and B200. */
#define DRIVER_MIB 600

#define NUMBER(member)                                                                             \
    .name = #member, .type = SETTING_NUMBER, SETTING_OF(gpu, member), .minimum = 0, .maximum = 1e9

static const struct setting_choice peer_choices[] = {{.name = GPU_PEER_LINK},
                                                     {.name = GPU_PEER_PCIE},
                                                     {.name = GPU_PEER_NONE},
                                                     {.name = ""},
                                                     {.name = NULL}};

static const struct setting gpu_settings[] = {
    {.name = "name", .type = SETTING_TEXT, .required = true, SETTING_OF(gpu, name)},
    {.name = "driver_name", .type = SETTING_TEXT, SETTING_OF(gpu, driver_name)},
    {.name = "aliases", .type = SETTING_TEXT, SETTING_OF(gpu, aliases)},
    {NUMBER(memory_mib)},
    {.name = "memory_source", .type = SETTING_IGNORED},
    {NUMBER(visible_mib)},
    {.name = "visible_source", .type = SETTING_IGNORED},
    {NUMBER(memory_gb_per_s)},
    {NUMBER(bf16_tflops)},
    {NUMBER(fp8_tflops)},
    {NUMBER(int8_tops)},
    {NUMBER(l2_mb)},
    {.name = "sm_count", .type = SETTING_WHOLE, SETTING_OF(gpu, sm_count), .maximum = 1e6},
    {NUMBER(compute_capability)},
    {NUMBER(power_w)},
    {.name = "link", .type = SETTING_TEXT, SETTING_OF(gpu, link)},
    {NUMBER(link_gb_per_s)},
    {NUMBER(pcie_gb_per_s)},
    {.name = "peer_access",
     .type = SETTING_TEXT,
     SETTING_OF(gpu, peer_access),
     .choices = peer_choices},
    {NUMBER(price_low_usd_per_hour)},
    {NUMBER(price_high_usd_per_hour)},
    {.name = "price_source", .type = SETTING_TEXT, SETTING_OF(gpu, price_source)},
    {.name = "source", .type = SETTING_IGNORED},
    {.name = "doubt", .type = SETTING_IGNORED},
    {.name = NULL},
};

bool gpu_catalog_read(struct gpu_catalog *catalog, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = settings_read_list(gpu_settings, "sim/hardware/data/gpus.json", "gpus",
                                 sizeof catalog->gpus[0], &list, error);
    *catalog = (struct gpu_catalog){.gpus = list.items, .count = list.count};
    return ok;
}

void gpu_catalog_clear(struct gpu_catalog *catalog)
{
    free(catalog->gpus);
    memset(catalog, 0, sizeof *catalog);
}

/* Filled under pthread_once and constant from then on. */
static struct {
    pthread_once_t once;
    bool ok;
    struct gpu_catalog catalog;
    struct error error;
} shipped = {.once = PTHREAD_ONCE_INIT};

static void read_shipped(void)
{
    shipped.ok = gpu_catalog_read(&shipped.catalog, &shipped.error);
}

bool gpu_catalog_shipped(const struct gpu_catalog **ret_catalog, struct error *error)
{
    pthread_once(&shipped.once, read_shipped);
    if (!shipped.ok) {
        *error = shipped.error;
        return false;
    }
    *ret_catalog = &shipped.catalog;
    return true;
}

double gpu_visible_mib(const struct gpu *gpu)
{
    return gpu->visible_mib > 0 ? gpu->visible_mib : fmax(gpu->memory_mib - DRIVER_MIB, 0);
}

void gpu_echo(const struct gpu *gpu, struct json *object)
{
    settings_echo(gpu_settings, gpu, object);
}

bool gpu_check_fact(const struct gpu *gpu, const char *key, double value, struct error *error)
{
    return value > 0 || error_set(error, "'%s' of GPU '%s' is not known", key, gpu->name);
}

static bool read_file(const char *path, struct gpu *gpu, struct error *error)
{
    struct json *document = NULL;
    if (!json_read_file(path, &document, error)) {
        return false;
    }
    *gpu = (struct gpu){.memory_mib = 0};
    bool ok = settings_read(gpu_settings, document, path, gpu, error) &&
              (gpu_check_fact(gpu, "visible_mib", gpu_visible_mib(gpu), error) ||
               error_add_place(error, "%s", path));
    json_destroy(document);
    return ok;
}

/* "NVIDIA H200" and "NVIDIA-H100-80GB-HBM3" without the vendor. */
static const char *without_vendor(const char *name)
{
    return strncasecmp(name, "NVIDIA", 6) == 0 && (name[6] == ' ' || name[6] == '-') ? name + 7
                                                                                     : name;
}

bool gpu_catalog_find(const struct gpu_catalog *catalog, const char *name, struct gpu *ret_gpu,
                      struct error *error)
{
    assert(catalog != NULL && name != NULL && ret_gpu != NULL);
    size_t length = strlen(name);
    if (length > 5 && text_equal(name + length - 5, ".json")) {
        return read_file(name, ret_gpu, error);
    }
    struct name_entry *entries = memory_zeroed(catalog->count + 1, sizeof *entries);
    char(*aliases)[ALIASES_BYTES] = memory_zeroed(catalog->count + 1, sizeof *aliases);
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct gpu *gpu = &catalog->gpus[i];
        snprintf(aliases[i], sizeof aliases[i], "%s|%s", gpu->driver_name, gpu->aliases);
        entries[i] = (struct name_entry){gpu->name, aliases[i]};
    }
    const struct name_catalog names = {.kind = "GPU",
                                       .hint = " ('kvcast list gpus' names them all)",
                                       .entries = entries,
                                       .count = catalog->count};
    uint32_t index = 0;
    bool ok = name_match(&names, without_vendor(name), &index, error);
    if (ok) {
        *ret_gpu = catalog->gpus[index];
    }
    free(entries);
    free(aliases);
    return ok;
}

bool gpu_find(const char *name, struct gpu *ret_gpu, struct error *error)
{
    const struct gpu_catalog *catalog = NULL;
    return gpu_catalog_shipped(&catalog, error) && gpu_catalog_find(catalog, name, ret_gpu, error);
}
