/* vLLM's V0 scheduler, version 0.8.1: steps of whole prompts go before steps of decodes (or chunks
 * beside decodes, chunked), every decode demands a free block, victims are recomputed or swapped
 * to the CPU, and outputs are looked at one step late, so that each end costs a decode more.
 * References in the code are to vllm/core/scheduler.py. */
#ifndef SIM_ENGINES_VLLM_V0_H
#define SIM_ENGINES_VLLM_V0_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_vllm_v0;

#endif
