/* Speculative decoding: how many drafted tokens are right is part of the truth about a request. */
#ifndef SIM_SERVING_SPECULATION_H
#define SIM_SERVING_SPECULATION_H

#include "sim/base/random.h"
#include "sim/serving/request.h"

enum { MAX_DRAFTS = 64, DRAFT_ODDS_SLICES = 256 };

/* How many of the drafts are right, drawn from one uniform number of 53 bits: the first k are if it
 * lies below 'limits[k - 1]'. */
struct draft_odds {
    uint32_t drafts;
    double probability; /* what the limits were made of */
    const double *by_position;
    uint64_t limits[MAX_DRAFTS];
    uint8_t sure[DRAFT_ODDS_SLICES]; /* by the leading 8 bits; DRAFT_ODDS_UNSURE: see the limits */
};

#define DRAFT_ODDS_UNSURE UINT8_MAX

/* For 'drafts' proposed at a time; fast when it was for such a request before. */
void draft_odds_init(struct draft_odds *odds, const struct draft_truth *truth, uint32_t drafts);

/* Of the drafts proposed, how many the given verification of the request accepts. Of drawn numbers
 * only: where they are given, see below. */
static inline uint32_t draft_odds_accepted(const struct draft_odds *odds, uint64_t key,
                                           uint64_t verification)
{
    uint64_t bits = random_bits_at(key, verification) >> 11;
    uint32_t accepted = odds->sure[bits >> 45];
    if (accepted == DRAFT_ODDS_UNSURE) {
        accepted = 0;
        while (accepted < odds->drafts && bits < odds->limits[accepted]) {
            accepted++;
        }
    }
    return accepted;
}

/* The same of 'count' verifications from 'first' on. */
void draft_odds_draw(const struct draft_odds *odds, uint64_t key, uint64_t first, uint32_t count,
                     uint8_t *ret_accepted);

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
