/* SGLang's scheduler, version 0.4.6.post1: steps of prompts go before steps of decodes, admission
 * reserves part of the output still to come, decodes that find no room are retracted and
 * recomputed, a radix tree shares what sequences begin with, and the next step is formed before the
 * output of the one before it is looked at. References in the code are to sglang/srt/managers. */
#ifndef SIM_ENGINES_SGLANG_H
#define SIM_ENGINES_SGLANG_H

#include "sim/serving/instance.h"

extern const struct engine_preset engine_preset_sglang_0_4_6;

/* For tests: the share of the output still to come that admission counts on, and tokens that are
 * cached but in nobody's use. */
double sglang_new_token_ratio(const struct instance *instance);
void sglang_set_new_token_ratio(struct instance *instance, double ratio);
uint64_t sglang_evictable(const struct instance *instance);

#endif
