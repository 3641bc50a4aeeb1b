/* The number format in which a model's weights are published ('quantization_config'). */
#ifndef SIM_HARDWARE_CHECKPOINT_H
#define SIM_HARDWARE_CHECKPOINT_H

#include "sim/hardware/config_reader.h"
#include "sim/hardware/model_shape.h"
#include "sim/hardware/precision.h"

/* Leaves '*ret_format' empty for 16 bits. A format that is not modelled is an error that names the
 * key. */
MUST_CHECK bool checkpoint_read(const struct config_reader *keys,
                                struct checkpoint_format *ret_format, struct error *error);

/* The precision in which an engine runs the model: 'asked', or for "auto" that of the checkpoint.
 * Asking for another one than a quantized checkpoint has is an error, as with engines. */
MUST_CHECK bool checkpoint_choose(const struct model_shape *shape, const char *asked,
                                  const struct weight_precision **ret_weights, struct error *error);

#endif
