#include "sim/scheduling/length_history.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

/* Whole numbers below 16 have a bucket each; from there on an octave is cut into eight. */
static uint32_t bucket_of(uint32_t tokens)
{
    if (tokens < 16) {
        return tokens;
    }
    uint32_t octave = 31 - (uint32_t)__builtin_clz(tokens);
    return 16 + (octave - 4) * 8 + ((tokens >> (octave - 3)) & 7);
}

void length_history_clear(struct length_history *history)
{
    free(history->datasets);
    memset(history, 0, sizeof *history);
}

void length_history_copy(struct length_history *to, const struct length_history *from)
{
    assert(to->count == 0 && to->all.answers == 0);
    to->datasets = memory_grow(to->datasets, &to->capacity, from->count, sizeof to->datasets[0]);
    if (from->count > 0) {
        memcpy(to->datasets, from->datasets, from->count * sizeof to->datasets[0]);
    }
    to->count = from->count;
    to->all = from->all;
}

static void add(struct length_counts *counts, uint32_t tokens)
{
    uint32_t bucket = bucket_of(tokens);
    assert(bucket < LENGTH_BUCKETS);
    counts->answers++;
    counts->count[bucket]++;
    counts->tokens[bucket] += tokens;
}

void length_history_add(struct length_history *history, uint32_t dataset, uint32_t output_tokens)
{
    if (dataset >= history->count) {
        history->datasets = memory_grow(history->datasets, &history->capacity, (size_t)dataset + 1,
                                        sizeof history->datasets[0]);
        memset(&history->datasets[history->count], 0,
               (dataset + 1 - history->count) * sizeof history->datasets[0]);
        history->count = dataset + 1;
    }
    add(&history->datasets[dataset], output_tokens);
    add(&history->all, output_tokens);
}

static const struct length_counts *counts_of(const struct length_history *history, uint32_t dataset)
{
    bool has_own = dataset < history->count && history->datasets[dataset].answers > 0;
    return has_own ? &history->datasets[dataset] : &history->all;
}

double length_history_mean(const struct length_history *history, uint32_t dataset,
                           uint32_t so_far_tokens)
{
    const struct length_counts *counts = counts_of(history, dataset);
    uint64_t answers = 0;
    uint64_t tokens = 0;
    for (uint32_t b = so_far_tokens > 0 ? bucket_of(so_far_tokens) + 1 : 0; b < LENGTH_BUCKETS;
         b++) {
        answers += counts->count[b];
        tokens += counts->tokens[b];
    }
    return answers > 0 ? (double)tokens / (double)answers : NAN;
}

double length_history_quantile(const struct length_history *history, uint32_t dataset,
                               uint32_t so_far_tokens, double quantile)
{
    const struct length_counts *counts = counts_of(history, dataset);
    uint32_t first = so_far_tokens > 0 ? bucket_of(so_far_tokens) + 1 : 0;
    uint64_t answers = 0;
    uint64_t below = 0;
    assert(quantile >= 0 && quantile <= 1);
    for (uint32_t b = first; b < LENGTH_BUCKETS; b++) {
        answers += counts->count[b];
    }
    for (uint32_t b = first; b < LENGTH_BUCKETS; b++) {
        below += counts->count[b];
        if (counts->count[b] > 0 && (double)below >= quantile * (double)answers) {
            return (double)counts->tokens[b] / (double)counts->count[b];
        }
    }
    return NAN;
}
