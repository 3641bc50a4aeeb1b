#include "sim/pricing/weight_kernel.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/base/settings.h"
#include "sim/base/text.h"

#define NUMBER(member)                                                                             \
    .name = #member, .type = SETTING_NUMBER, .required = true, SETTING_OF(weight_kernel, member),  \
    .minimum = 0, .maximum = 1e6

static const struct setting kernel_settings[] = {
    {.name = "weights", .type = SETTING_TEXT, .required = true, SETTING_OF(weight_kernel, weights)},
    {.name = "kernel", .type = SETTING_TEXT, .required = true, SETTING_OF(weight_kernel, kernel)},
    {.name = "from_capability",
     .type = SETTING_NUMBER,
     SETTING_OF(weight_kernel, from_capability),
     .maximum = 99},
    {.name = "to_capability",
     .type = SETTING_NUMBER,
     SETTING_OF(weight_kernel, to_capability),
     .maximum = 99},
    {NUMBER(read)},
    {NUMBER(read_exponent)},
    {NUMBER(batch)},
    {NUMBER(compute)},
    {NUMBER(tile_change)},
    {NUMBER(product_us)},
    {.name = "source", .type = SETTING_IGNORED, .required = true},
    {.name = NULL},
};

bool weight_kernels_read(struct weight_kernels *kernels, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = settings_read_list(kernel_settings, "sim/pricing/data/weight-kernels.json", "kernels",
                                 sizeof kernels->kernels[0], &list, error);
    *kernels = (struct weight_kernels){.kernels = list.items, .count = list.count};
    return ok;
}

void weight_kernels_clear(struct weight_kernels *kernels)
{
    free(kernels->kernels);
    *kernels = (struct weight_kernels){NULL, 0};
}

static bool is_for(const struct weight_kernel *kernel, const struct gpu *gpu)
{
    return kernel->to_capability <= 0 || (gpu->compute_capability >= kernel->from_capability &&
                                          gpu->compute_capability < kernel->to_capability);
}

bool weight_kernel_find(const struct weight_kernels *kernels, const char *weights,
                        const struct gpu *gpu, const struct weight_kernel **ret_found,
                        struct error *error)
{
    assert(weights != NULL && gpu != NULL);
    for (uint32_t i = 0; i < kernels->count; i++) {
        const struct weight_kernel *kernel = &kernels->kernels[i];
        if (!text_equal(kernel->weights, weights)) {
            continue;
        }
        if (kernel->to_capability > 0 &&
            !gpu_check_fact(gpu, "compute_capability", gpu->compute_capability, error)) {
            return error_add_place(error, "the kernel for '%s' weights", weights);
        }
        if (is_for(kernel, gpu)) {
            assert(kernel->read > 0 && kernel->compute > 0);
            *ret_found = kernel;
            return true;
        }
    }
    return error_set(error,
                     "sim/pricing/data/weight-kernels.json: no kernel for '%s' weights on '%s'",
                     weights, gpu->name);
}
