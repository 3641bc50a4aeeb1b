/* What an engine refuses when it starts: degrees, formats and limits that do not go together. */
#ifndef SIM_SCENARIO_STARTUP_RULES_H
#define SIM_SCENARIO_STARTUP_RULES_H

#include "sim/base/error.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_shape.h"
#include "sim/hardware/precision.h"
#include "sim/scenario/warning_list.h"
#include "sim/serving/instance.h"

struct startup_facts {
    const struct engine_preset *preset;
    const struct engine_settings *engine;
    const struct model_shape *model;
    const struct gpu *gpu;
    const struct weight_precision *weights;
    const struct kv_precision *kv;
    uint32_t tensor_parallel;
};

/* An error where the engine would not start; what it would do otherwise than asked is a warning. */
MUST_CHECK bool startup_rules_check(const struct startup_facts *facts,
                                    struct warning_list *warnings, struct error *error);

#endif
