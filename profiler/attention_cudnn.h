/* Attention of prompts through cuDNN (its fused SDPA on a paged cache), where the library is there
 * and the program was built with its frontend's headers. */
#ifndef PROFILER_ATTENTION_CUDNN_H
#define PROFILER_ATTENTION_CUDNN_H

#include <string>

#include "profiler/attention.h"

struct attention_cudnn;

/* For the current device; NULL when there is none to use. */
struct attention_cudnn *attention_cudnn_create(void);
void attention_cudnn_destroy(struct attention_cudnn *cudnn);

/* "cuDNN 9.19.0", say. */
std::string attention_cudnn_version(void);

/* As attention_prefill, for a bf16 cache and requests of at most 'longest' tokens; false, and
 * nothing launched, when cuDNN has no plan for that. Plans are kept. */
bool attention_cudnn_prefill(struct attention_cudnn *cudnn, const struct attention_call *call,
                             int longest, cudaStream_t stream);

#endif
