/* How long the answers of each dataset were that have finished so far: what a server can learn of
 * lengths by itself. Lengths are counted by bucket, eight to an octave. */
#ifndef SIM_SCHEDULING_LENGTH_HISTORY_H
#define SIM_SCHEDULING_LENGTH_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum { LENGTH_BUCKETS = 256 };

struct length_counts {
    uint64_t answers;
    uint64_t count[LENGTH_BUCKETS];
    uint64_t tokens[LENGTH_BUCKETS];
};

/* All zero: empty. */
struct length_history {
    struct length_counts *datasets;
    size_t capacity;
    uint32_t count;
    struct length_counts all;
};

void length_history_clear(struct length_history *history);
/* 'to' must be empty. */
void length_history_copy(struct length_history *to, const struct length_history *from);
void length_history_add(struct length_history *history, uint32_t dataset, uint32_t output_tokens);

/* Of the dataset, or of all of them while it has none. Both look at answers longer than
 * 'so_far_tokens' only; NAN when there is none. */
double length_history_mean(const struct length_history *history, uint32_t dataset,
                           uint32_t so_far_tokens);
double length_history_quantile(const struct length_history *history, uint32_t dataset,
                               uint32_t so_far_tokens, double quantile);

#endif
