#include "sim/serving/speculation.h"

#include <assert.h>
#include <stddef.h>

#include "sim/base/random.h"

/* The number of leading drafts that are right for the number 'bits'. */
static uint32_t count_right(const uint64_t *limits, uint32_t drafts, uint64_t bits)
{
    uint32_t right = 0;
    while (right < drafts && bits < limits[right]) {
        right++;
    }
    return right;
}

static void set_limits(uint64_t *limits, const struct draft_truth *truth, uint32_t drafts)
{
    double all_right = 1;
    for (uint32_t k = 0; k < drafts; k++) {
        all_right *= truth->probability;
        if (truth->by_position != NULL) {
            all_right = k < truth->position_count ? truth->by_position[k] : 0;
        }
        assert(all_right >= 0 && all_right <= 1);
        limits[k] = (uint64_t)(all_right * 0x1p53 + 0.5);
    }
}

void draft_odds_init(struct draft_odds *odds, const struct draft_truth *truth, uint32_t drafts)
{
    assert(drafts > 0 && drafts <= MAX_DRAFTS);
    if (odds->drafts == drafts && odds->probability == truth->probability &&
        odds->by_position == truth->by_position) {
        return;
    }
    odds->drafts = drafts;
    odds->probability = truth->probability;
    odds->by_position = truth->by_position;
    set_limits(odds->limits, truth, drafts);
    for (uint64_t slice = 0; slice < DRAFT_ODDS_SLICES; slice++) {
        uint32_t most = count_right(odds->limits, drafts, slice << 45);
        uint32_t least = count_right(odds->limits, drafts, ((slice + 1) << 45) - 1);
        odds->sure[slice] = most == least ? (uint8_t)most : DRAFT_ODDS_UNSURE;
    }
}

void draft_odds_draw(const struct draft_odds *odds, uint64_t key, uint64_t first, uint32_t count,
                     uint8_t *ret_accepted)
{
    for (uint32_t i = 0; i < count; i++) {
        ret_accepted[i] = (uint8_t)draft_odds_accepted(odds, key, first + i);
    }
}

uint32_t speculation_accepted(const struct draft_truth *truth, uint32_t verification,
                              uint32_t drafts)
{
    if (truth->accepted == NULL) {
        uint64_t limits[MAX_DRAFTS];
        assert(drafts <= MAX_DRAFTS);
        set_limits(limits, truth, drafts);
        return count_right(limits, drafts, random_bits_at(truth->key, verification) >> 11);
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
