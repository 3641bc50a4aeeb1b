/* What an import has read, in figures: rate, how bursty arrivals are, how long prompts and answers.
 */
#ifndef TRACES_IMPORT_SUMMARY_H
#define TRACES_IMPORT_SUMMARY_H

#include <stdint.h>
#include <stdio.h>

#include "traces/import.h"

enum { IMPORT_QUANTILES = 4 };

struct length_quantiles {
    double mean;
    uint32_t at[IMPORT_QUANTILES]; /* p50, p90, p99, the largest */
};

struct import_summary {
    double span_s;       /* from the first arrival to the last */
    double rate_per_s;   /* 0 without a span */
    double gap_cv;       /* of gaps between arrivals: deviation over mean; 0 without a span */
    uint64_t follow_ups; /* requests that wait for an answer */
    struct length_quantiles prompt;
    struct length_quantiles output;
};

/* 'requests' holds at least one, sorted by arrival. */
void import_summarize(const struct import_requests *requests, struct import_summary *ret_summary);

void import_summary_print(const struct import_requests *requests,
                          const struct import_summary *summary, FILE *stream);

#endif
