/* A scheduling pass of vLLM's V1 scheduler (scheduler.py:schedule): running requests in order, then
 * the waiting, under one token budget; who finds no block preempts the last of the running. */
#ifndef SIM_ENGINES_VLLM_V1_PASS_H
#define SIM_ENGINES_VLLM_V1_PASS_H

#include "sim/serving/instance.h"

/* Fills the batch and its summary, but for padding and CUDA graph. */
void vllm_v1_pass_schedule(struct instance *instance, struct batch *batch);

/* Full blocks are known by what they hold as soon as a step is formed that fills them. */
void vllm_v1_note_content(struct instance *instance, uint32_t request, uint32_t tokens);

/* Whether blocks for the first 'tokens' tokens are free, beyond those found. */
bool vllm_v1_has_room(const struct kv_cache *cache, uint32_t tokens, struct prefix_hit hit,
                      uint32_t watermark);

#endif
