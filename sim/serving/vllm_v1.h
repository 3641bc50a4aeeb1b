/* vLLM's V1 scheduler, version 0.24.0: running before waiting under one token budget, chunked
 * prefill, paged KV with preemption by recompute, and asynchronous scheduling, in which a step is
 * formed while the one before it runs. References in the code are to vllm/v1/core/sched. */
#ifndef SIM_SERVING_VLLM_V1_H
#define SIM_SERVING_VLLM_V1_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_vllm_0_24;

#endif
