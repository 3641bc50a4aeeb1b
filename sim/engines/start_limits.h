/* The limits that engines set by themselves when they start, by GPU and by how they are started:
 * facts of their sources. */
#ifndef SIM_ENGINES_START_LIMITS_H
#define SIM_ENGINES_START_LIMITS_H

#include "sim/hardware/gpu.h"
#include "sim/serving/engine_settings.h"

/* Values for engine_start.limits_on (sim/serving/instance.h). */
struct engine_limits start_limits_vllm_0_24(const struct engine_settings *asked,
                                            const struct gpu *gpu);
struct engine_limits start_limits_vllm_0_8(const struct engine_settings *asked,
                                           const struct gpu *gpu);
struct engine_limits start_limits_sglang(const struct engine_settings *asked,
                                         const struct gpu *gpu);

#endif
