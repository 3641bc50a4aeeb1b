/* What engines without paging, preemption and chunks have in common. */
#ifndef SIM_ENGINES_SIMPLE_ENGINE_H
#define SIM_ENGINES_SIMPLE_ENGINE_H

#include "sim/serving/instance.h"

/* Prompt and budget, at most max_model_len: what such an engine keeps room for. */
uint64_t simple_engine_tokens_needed(const struct instance *instance,
                                     const struct request *request);

/* All that the request has not computed runs in this step, and yields a token. */
void simple_engine_add(struct instance *instance, struct batch *batch, uint32_t request);

/* The request leaves, its blocks are free. */
void simple_engine_finish(struct instance *instance, uint32_t request);

#endif
