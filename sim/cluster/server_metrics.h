/* What a server would report when the run is over, as OpenMetrics text under the names and with the
 * buckets of vLLM, so that a dashboard made for it can show both. All instances count together. It
 * is an observer. */
#ifndef SIM_CLUSTER_SERVER_METRICS_H
#define SIM_CLUSTER_SERVER_METRICS_H

#include <stdio.h>

#include "sim/metrics/histogram.h"
#include "sim/serving/observer.h"

enum { SERVER_METRICS_MAX_BUCKETS = 24, SERVER_METRICS_HISTOGRAMS = 9 };

/* Values by the smallest bound that they do not exceed. */
struct metric_histogram {
    uint64_t counts[SERVER_METRICS_MAX_BUCKETS + 1]; /* the last: beyond all bounds */
    double sum;
};

struct server_metrics {
    bool has_prefix_cache;
    uint32_t max_model_len;
    uint64_t stopped; /* answers that ended by themselves */
    uint64_t cut;     /* at the most tokens they may have */
    uint64_t preemptions;
    uint64_t prompt_tokens;
    uint64_t cached_tokens;
    uint64_t generation_tokens;
    struct metric_histogram histograms[SERVER_METRICS_HISTOGRAMS];
};

void server_metrics_init(struct server_metrics *metrics, bool has_prefix_cache,
                         uint32_t max_model_len);

/* To be given to the run; refers to the metrics. */
struct observer server_metrics_observer(struct server_metrics *metrics);

/* After the run. 'gaps' are those between the tokens of all requests. */
void server_metrics_write(const struct server_metrics *metrics, const char *model_name,
                          const struct histogram *gaps, FILE *stream);

#endif
