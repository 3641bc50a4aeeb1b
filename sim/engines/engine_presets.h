/* The engines there are. */
#ifndef SIM_ENGINES_ENGINE_PRESETS_H
#define SIM_ENGINES_ENGINE_PRESETS_H

#include "sim/serving/instance.h"

extern const struct engine_preset *const engine_presets[]; /* ended by NULL */

/* An unknown name is an error that names the nearest. */
MUST_CHECK bool engine_preset_find(const char *name, const struct engine_preset **ret_preset,
                                   struct error *error);

#endif
