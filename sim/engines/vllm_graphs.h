/* CUDA graphs of vLLM: which steps run under one, and how it pads them. */
#ifndef SIM_ENGINES_VLLM_GRAPHS_H
#define SIM_ENGINES_VLLM_GRAPHS_H

#include "sim/pricing/batch_summary.h"

/* Graph and padding of a step (vLLM 0.24, config/vllm.py:_set_cudagraph_sizes): full graphs for
 * pure decode up to the request limit, piecewise up to the largest captured size, none above. With
 * speculation a decode has 'drafts' more tokens, and all must have them for a full graph. */
void batch_summary_choose_graph(struct batch_summary *summary, uint32_t max_batch_requests,
                                uint32_t max_batch_tokens, uint32_t drafts);

#endif
