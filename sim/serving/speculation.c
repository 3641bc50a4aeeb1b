#include "sim/serving/speculation.h"

#include <assert.h>
#include <stddef.h>

#include "sim/base/random.h"

void draft_odds_init(struct draft_odds *odds, const struct draft_truth *truth, uint32_t drafts)
{
    double all_right = 1;
    assert(drafts <= MAX_DRAFTS);
    odds->drafts = drafts;
    for (uint32_t k = 0; k < drafts; k++) {
        all_right *= truth->probability;
        if (truth->by_position != NULL) {
            all_right = k < truth->position_count ? truth->by_position[k] : 0;
        }
        assert(all_right >= 0 && all_right <= 1);
        odds->limits[k] = (uint64_t)(all_right * 0x1p53 + 0.5);
    }
}

uint32_t speculation_accepted(const struct draft_truth *truth, uint32_t verification,
                              uint32_t drafts)
{
    if (truth->accepted == NULL) {
        struct draft_odds odds;
        draft_odds_init(&odds, truth, drafts);
        return draft_odds_accepted(&odds, truth->key, verification);
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
