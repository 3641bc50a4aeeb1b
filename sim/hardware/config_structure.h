/* What a config.json says of the structure of a model beyond its sizes: parts that are not
 * modelled, layers with windows, an image tower. */
#ifndef SIM_HARDWARE_CONFIG_STRUCTURE_H
#define SIM_HARDWARE_CONFIG_STRUCTURE_H

#include "sim/hardware/config_reader.h"
#include "sim/hardware/model_family.h"
#include "sim/hardware/model_shape.h"

/* False with an error that names the keys of a structure that is not modelled: experts, latent
 * attention, state-space layers and the like. */
MUST_CHECK bool config_structure_check(const struct config_reader *keys, struct error *error);

/* Counts the layers with a window that is shorter than the longest context. */
MUST_CHECK bool config_structure_windows(const struct config_reader *keys,
                                         const struct model_family *family,
                                         struct model_shape *shape, struct error *error);

/* Weights of the image tower and of what leads from it to the text part; 0: there is none. */
uint64_t config_structure_vision_weights(const struct config_reader *keys, uint32_t hidden_size);

#endif
