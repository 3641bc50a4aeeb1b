/* What the requests of a run come to, counted as they are done. */
#ifndef SIM_CLUSTER_RUN_TALLY_H
#define SIM_CLUSTER_RUN_TALLY_H

#include "sim/metrics/latency.h"
#include "sim/metrics/rate_window.h"
#include "sim/metrics/run_summary.h"
#include "sim/serving/request.h"

/* Times of the ends, in order: all of them, or from some number on every second, fourth, ... */
struct end_times {
    int64_t *at_ps;
    size_t capacity;
    uint64_t kept;
    uint64_t stride;
    uint64_t seen;
};

struct run_tally {
    struct slo slo;
    struct latency ttft;
    struct latency ttfvt;
    struct latency tpot;
    struct latency e2e;
    struct latency queueing;
    struct end_times ends;
    struct rate_window rates;
    int64_t first_sent_ps;
    int64_t last_token_ps;
    uint64_t sent;
    uint64_t good;
    uint64_t cut_while_thinking;
    struct token_figures tokens;
    uint64_t graded; /* answers of which it is known whether they are right */
    uint64_t correct;
    uint64_t preemptions;
    uint64_t recomputed_tokens;
    uint64_t retries;
};

/* Latencies beyond 'exact_limit' make percentiles coarse (sim/metrics/latency.h). */
void run_tally_init(struct run_tally *tally, const struct slo *slo, size_t exact_limit);
void run_tally_clear(struct run_tally *tally);
/* A request that has finished or was rejected. */
void run_tally_add(struct run_tally *tally, const struct request *request);
/* Fills in what is known of the requests. */
void run_tally_summarize(struct run_tally *tally, struct run_summary *summary);

/* The request in plain numbers; 'datasets' are the run's names, or NULL. */
struct request_record request_record_of(const struct request *request, const char *const *datasets);

#endif
