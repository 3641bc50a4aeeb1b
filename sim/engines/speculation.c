#include "sim/engines/speculation.h"

#include <math.h>
#include <stddef.h>

#include "sim/base/random.h"

uint32_t speculation_verify(struct request *request, uint32_t drafts)
{
    const struct draft_truth *truth = &request->truth.drafts;
    uint32_t verification = request->verifications++;
    uint32_t accepted = 0;
    if (truth->accepted != NULL) {
        accepted = truth->accepted[verification % truth->accepted_count];
    } else if (truth->probability > 0) {
        double right = log(random_uniform_at(truth->key, verification)) / log(truth->probability);
        accepted = right < drafts ? (uint32_t)right : drafts;
    }
    return accepted < drafts ? accepted : drafts;
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
