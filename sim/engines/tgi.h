/* Text Generation Inference 3.3: room for a segment of the output is reserved at admission, so that
 * nothing is ever preempted; longer answers queue up again segment by segment; prompts in chunks
 * beside decodes, or alone when enough of them wait. Read from its public sources
 * (backends/v3/src/backend.rs, queue.rs, radix.rs). */
#ifndef SIM_ENGINES_TGI_H
#define SIM_ENGINES_TGI_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_tgi;

#endif
