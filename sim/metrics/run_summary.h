/* What a run comes to, as plain numbers; sim/metrics/METRICS.md defines each. */
#ifndef SIM_METRICS_RUN_SUMMARY_H
#define SIM_METRICS_RUN_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/metrics/samples.h"
#include "sim/metrics/timeline.h"

/* One request as the client saw it; times in seconds, NAN for what did not happen. */
struct request_record {
    uint32_t request_id;
    const char *dataset;
    const char *status; /* "finished", "rejected" */
    double sent_s;
    double first_scheduled_s;
    double first_token_s;
    double first_visible_s;
    double last_token_s;
    double max_itl_s;
    uint32_t prompt_tokens;
    uint32_t output_tokens;
    uint32_t reasoning_tokens;
    uint32_t preemptions;
};

/* Limits a request must meet to count towards goodput; 0: no limit. */
struct slo {
    double ttft_s;
    double tpot_s;
    double e2e_s;
};

struct run_summary {
    uint64_t requests;
    uint64_t finished;
    uint64_t rejected;
    uint64_t cut_while_thinking; /* the budget ended them before the first visible token */
    double makespan_s;           /* first sent to last token */
    uint64_t prompt_tokens;      /* of finished requests */
    uint64_t graded;             /* answers of which it is known whether they are right */
    uint64_t right;
    uint64_t cached_tokens; /* of prompts, found computed */
    uint64_t output_tokens;
    uint64_t reasoning_tokens;
    double requests_per_s;
    double output_tokens_per_s;
    double total_tokens_per_s;
    double goodput_per_s;
    bool percentiles_are_exact; /* those of requests; else within 0.8 % */
    struct distribution ttft_s;
    struct distribution ttfvt_s;
    struct distribution tpot_s;
    struct distribution itl_s;
    struct distribution e2e_s;
    struct distribution queueing_s;
    struct timeline_summary timeline;
    uint64_t preemptions;
    uint64_t recomputed_tokens;
    double drain_s;           /* from 90 % of the requests done to all done */
    double wasted_slot_share; /* of request slots while busy, against the peak running */
    uint64_t steps;
    uint64_t decode_steps;
    uint64_t mixed_steps;
    uint64_t draft_tokens;          /* verified by speculative decoding */
    uint64_t accepted_drafts;       /* of them right */
    uint64_t verifications;         /* of one request in one step */
    double extrapolated_step_share; /* priced beyond what was measured */
};

#endif
