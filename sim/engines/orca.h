/* Orca's scheduler (Yu et al., OSDI 2022, Algorithm 1) and static batching as FasterTransformer
 * behind a dynamic batcher does it: what serving was before paged KV. */
#ifndef SIM_ENGINES_ORCA_H
#define SIM_ENGINES_ORCA_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_orca;
extern const struct engine_preset engine_preset_static;

#endif
