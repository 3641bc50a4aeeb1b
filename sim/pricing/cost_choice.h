/* Which step cost a run is priced with: a named file, a shipped calibration that fits, or the
 * nearest one carried over by the physics. */
#ifndef SIM_PRICING_COST_CHOICE_H
#define SIM_PRICING_COST_CHOICE_H

#include <stddef.h>

#include "sim/base/error.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_shape.h"
#include "sim/pricing/step_cost.h"

enum { COST_WARNING_BYTES = 512 };

/* What a run or scenario asks a cost model for. */
struct cost_request {
    const char *source; /* SOURCE[:FILE], or "" for the best that exists */
    const char *engine; /* the name of its preset, version included: "vllm-0.24"; NULL as that */
    const char *model;
    const char *gpu;
    const char *weights;
    const char *kv_cache;
    uint32_t tensor_parallel;
    uint32_t max_batch_requests; /* limits of a step; 0: not known */
    uint32_t max_batch_tokens;
    bool one_step_in_flight; /* the engine waits for a step before it schedules the next */
    bool has_drafts;         /* and drafts between two steps */
};

/* Finds the named file or shipped calibration; without a name, the shipped calibration of the same
 * shape, GPU, precision and degree. A named one that was made for something else is carried over,
 * and 'warning' (COST_WARNING_BYTES) names both and the extra uncertainty. '*ret_found' is false
 * when none was named and none fits, be it that the model or precision is unknown. */
MUST_CHECK bool cost_choice_find(const struct cost_request *request, struct step_cost *ret_cost,
                                 bool *ret_found, char *warning, struct error *error);

/* Carries the shipped calibration over that promises the least uncertainty; where that was made on
 * another GPU and no source is named, a profile of the GPU asked for goes before it. */
MUST_CHECK bool cost_choice_nearest(const struct cost_request *request, struct step_cost *ret_cost,
                                    char *warning, struct error *error);

/* What was found, else the nearest. */
MUST_CHECK bool cost_choice_make(const struct cost_request *request, struct step_cost *ret_cost,
                                 char *warning, struct error *error);

/* The profile of that name: the file, or the shipped one (in 'buffer'). */
const char *cost_choice_profile_path(const char *name, char *buffer, size_t size);

#endif
