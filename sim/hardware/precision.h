/* Number formats of weights and KV cache. */
#ifndef SIM_HARDWARE_PRECISION_H
#define SIM_HARDWARE_PRECISION_H

#include "sim/base/error.h"

struct weight_precision {
    const char *name;
    const char *aliases; /* other names of the same, separated by '|'; or NULL */
    const char *summary;
    double linear_bytes; /* per weight of a linear layer, scales and zeros included */
    double
        load_reserve_gib; /* memory the engine keeps beyond the weights when it quantizes on load */
    bool needs_fp8_hardware;
    bool waits_for_new_sizes; /* launching a number of tokens new to it waits for the GPU */
    const char *answers_as;   /* another precision whose answers it gives, or NULL */
};

struct kv_precision {
    const char *name;
    const char *aliases; /* as above */
    const char *summary;
    double bytes; /* per number */
};

extern const struct weight_precision weight_precisions[]; /* ended by a NULL name */
extern const struct kv_precision kv_precisions[];         /* ended by a NULL name */

/* By name or alias. Unknown names are errors that name the nearest. */
MUST_CHECK bool weight_precision_find(const char *name, const struct weight_precision **ret_found,
                                      struct error *error);
MUST_CHECK bool kv_precision_find(const char *name, const struct kv_precision **ret_found,
                                  struct error *error);

/* The precision to look answers up by: that of the same weights. */
const char *weight_precision_answers_as(const char *name);

#endif
