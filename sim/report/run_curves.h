/* A folder of results, read back for its figures: the timeline, the latencies of requests, the
 * requests that took longest, and the prediction intervals of replications. Long files are thinned:
 * memory does not grow with the timeline, and with requests only by their latencies. */
#ifndef SIM_REPORT_RUN_CURVES_H
#define SIM_REPORT_RUN_CURVES_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/metrics/interval.h"
#include "sim/metrics/samples.h"

enum {
    RUN_CURVES_MAX_SAMPLES = 4000,  /* of a timeline; beyond, neighbours are joined */
    RUN_CURVES_MAX_REQUESTS = 2000, /* spread evenly; beyond, one in N is kept */
    RUN_CURVES_LONGEST = 100,       /* and these in addition */
    RUN_CURVES_MAX_DATASETS = 32,
    RUN_CURVES_MAX_PERCENTILES = 6
};

/* Of joined neighbours each value is the largest. */
struct curve_sample {
    double time_s;
    double kv;
    double running;
    double waiting;
};

struct curve_timeline {
    struct curve_sample *samples;
    size_t count;
    uint32_t stride; /* rows joined in one */
    uint32_t joined; /* rows in the last one */
};

/* Times are NAN where they did not happen. */
struct curve_request {
    uint32_t request_id;
    uint32_t dataset; /* index among the names */
    double output_tokens;
    double sent_s;
    double first_token_s;
    double first_visible_s;
    double last_token_s;
};

struct curve_requests {
    struct curve_request *spread; /* each 'stride'-th that finished, in order of sending */
    size_t count;
    uint32_t stride;
    uint64_t finished;
    struct curve_request longest[RUN_CURVES_LONGEST + 1]; /* by end-to-end time, falling */
    size_t longest_count;
    char datasets[RUN_CURVES_MAX_DATASETS][64];
    uint32_t dataset_count;
};

enum curve_latency { CURVE_TTFT, CURVE_TTFVT, CURVE_TPOT, CURVE_E2E, CURVE_LATENCIES };

/* Where a percentile lies over replications. */
struct curve_percentile {
    double percent;
    struct interval interval; /* in seconds */
};

struct run_curves {
    char label[128];
    struct curve_timeline timeline;
    struct curve_timeline contrast; /* the same load on the traditional model, if it ran */
    struct curve_requests requests;
    struct samples latencies[CURVE_LATENCIES]; /* in seconds */
    struct curve_percentile percentiles[CURVE_LATENCIES][RUN_CURVES_MAX_PERCENTILES];
    size_t percentile_count[CURVE_LATENCIES];
    double kv_mean; /* of the summary; NAN without one, as what follows */
    double running_peak;
    double waiting_peak;
};

/* Reads what there is of summary.json, timeline.csv, contrast_timeline.csv and requests.csv.
 * Cleared by run_curves_clear, also after an error. */
MUST_CHECK bool run_curves_read(struct run_curves *curves, const char *directory,
                                struct error *error);
void run_curves_clear(struct run_curves *curves);

#endif
