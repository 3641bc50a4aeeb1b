/* Speculative decoding: how many drafted tokens are right is part of the truth about a request. */
#ifndef SIM_SERVING_SPECULATION_H
#define SIM_SERVING_SPECULATION_H

#include "sim/serving/request.h"

/* Of 'drafts' proposed, how many the given verification of the request accepts. */
uint32_t speculation_accepted(const struct draft_truth *truth, uint32_t verification,
                              uint32_t drafts);

/* The same for the request's next verification, which it counts. */
uint32_t speculation_verify(struct request *request, uint32_t drafts);

/* The probability of each draft after right ones, with which 'drafts' of them yield 'tokens' in a
 * step at the mean, the one beyond them included: 1 + p + ... + p^drafts = tokens. Clamped to what
 * is possible. */
double speculation_probability(double tokens, uint32_t drafts);

#endif
