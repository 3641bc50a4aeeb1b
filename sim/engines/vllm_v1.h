/* vLLM's V1 scheduler, versions 0.24.0 and 0.8.1: running before waiting under one token budget,
 * chunked prefill, paged KV with preemption by recompute, prefix caching, n-gram speculation; in
 * 0.24 asynchronous scheduling, in which a step is formed while the one before it runs. References
 * in the code are to vllm/v1/core/sched. */
#ifndef SIM_ENGINES_VLLM_V1_H
#define SIM_ENGINES_VLLM_V1_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_vllm_0_24;
extern const struct engine_preset engine_preset_vllm_0_8;

#endif
