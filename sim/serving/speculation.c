#include "sim/serving/speculation.h"

#include <assert.h>
#include <stddef.h>

#include "sim/base/random.h"

/* The first drafts are right, one after the other, as long as one uniform number lies below the
 * probability that so many are. */
static uint32_t draw_accepted(const struct draft_truth *truth, uint32_t verification,
                              uint32_t drafts)
{
    double uniform = random_uniform_at(truth->key, verification);
    double all_right = truth->probability;
    uint32_t accepted = 0;
    while (accepted < drafts && uniform <= all_right) {
        all_right *= truth->probability;
        accepted++;
    }
    return accepted;
}

uint32_t speculation_accepted(const struct draft_truth *truth, uint32_t verification,
                              uint32_t drafts)
{
    if (truth->accepted == NULL) {
        return draw_accepted(truth, verification, drafts);
    }
    uint32_t accepted = truth->accepted[verification % truth->accepted_count];
    return accepted < drafts ? accepted : drafts;
}

uint32_t speculation_verify(struct request *request, uint32_t drafts)
{
    uint32_t accepted =
        speculation_accepted(&request->truth.drafts, request->verifications, drafts);
    request->verifications++;
    assert(accepted <= drafts);
    return accepted;
}

static double mean_tokens(double probability, uint32_t drafts)
{
    double sum = 1;
    for (uint32_t i = 0; i < drafts; i++) {
        sum = 1 + probability * sum;
    }
    return sum;
}

double speculation_probability(double tokens, uint32_t drafts)
{
    double low = 0;
    double high = 1 - 1e-9;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (mean_tokens(middle, drafts) < tokens) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}
