/* Reads a model's config.json as engines read it: several spellings of a key, a text part nested
 * in a model that also sees, defaults of its family. A structure that is not modelled is an error
 * that names the key, never a guess. */
#ifndef SIM_HARDWARE_MODEL_CONFIG_H
#define SIM_HARDWARE_MODEL_CONFIG_H

#include "sim/base/error.h"
#include "sim/base/json.h"
#include "sim/hardware/model_shape.h"

/* 'name' is what the model is called from now on; errors begin with 'place'. */
MUST_CHECK bool model_config_parse(const struct json *document, const char *place, const char *name,
                                   struct model_shape *ret_shape, struct error *error);

/* The same from a file, which also names the model; the folder does where the file is called
 * config.json. */
MUST_CHECK bool model_config_read(const char *path, struct model_shape *ret_shape,
                                  struct error *error);

#endif
