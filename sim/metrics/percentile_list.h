/* Which percentiles of latencies are shown. */
#ifndef SIM_METRICS_PERCENTILE_LIST_H
#define SIM_METRICS_PERCENTILE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/error.h"

enum { MAX_PERCENTILES = 5 };

/* Names as in the figure table, rising: "p50", "p99.9". */
struct percentile_list {
    const char *names[MAX_PERCENTILES];
    uint32_t count;
};

/* "50,90,99": each of those that are kept, in any order. */
MUST_CHECK bool percentile_list_parse(const char *text, struct percentile_list *ret_list,
                                      struct error *error);

/* Whether the figure of that key ("ttft_s.p95") is one of the list's. */
bool percentile_list_has(const struct percentile_list *list, const char *key);

#endif
