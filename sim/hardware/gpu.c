#include "sim/hardware/gpu.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/settings.h"
#include "sim/base/text.h"

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

bool gpu_catalog_find(const struct gpu_catalog *catalog, const char *name, struct gpu *ret_gpu,
                      struct error *error)
{
    if (strncasecmp(name, "NVIDIA ", 7) == 0) {
        name += 7;
    }
    const char *names[65] = {NULL};
    const struct gpu *containing = NULL;
    for (uint32_t i = 0; i < catalog->count && i < 64; i++) {
        names[i] = catalog->gpus[i].name;
        if (strcasecmp(names[i], name) == 0 ||
            strcasecmp(catalog->gpus[i].driver_name, name) == 0) {
            *ret_gpu = catalog->gpus[i];
            return true;
        }
        if (containing == NULL && text_contains_words(names[i], name)) {
            containing = &catalog->gpus[i];
        }
    }
    if (containing != NULL) {
        *ret_gpu = *containing;
        return true;
    }
    return text_error_unknown(error, "unknown GPU", name, names,
                              " ('kvcast list gpus' names them all)");
}

bool gpu_check_fact(const struct gpu *gpu, const char *key, double value, struct error *error)
{
    return value > 0 || error_set(error, "'%s' of GPU '%s' is not known", key, gpu->name);
}

bool gpu_find(const char *name, struct gpu *ret_gpu, struct error *error)
{
    struct gpu_catalog catalog;
    if (!gpu_catalog_read(&catalog, error)) {
        return false;
    }
    bool ok = gpu_catalog_find(&catalog, name, ret_gpu, error);
    gpu_catalog_clear(&catalog);
    return ok;
}
