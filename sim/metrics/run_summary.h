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

struct request_figures {
    uint64_t total;
    uint64_t finished;
    uint64_t rejected;
    uint64_t cut_while_thinking; /* the budget ended them before the first visible token */
    uint64_t graded;             /* answers of which it is known whether they are correct */
    uint64_t correct;
    uint64_t slo_met;  /* finished within every limit */
    double accuracy;   /* correct of graded; NAN where nothing is graded */
    double attainment; /* slo_met of all requests; NAN without requests */
};

struct token_figures {
    uint64_t prompt;        /* of finished requests */
    uint64_t prompt_cached; /* of them found in a prefix cache */
    uint64_t output;
    uint64_t reasoning;
};

struct throughput_figures {
    double requests_per_s;
    double output_tokens_per_s;
    double total_tokens_per_s;
    double goodput_per_s;
};

/* Rates over a part of the run that leaves out how it fills up and drains. */
struct measured_figures {
    double from_s;
    double until_s;
    double offered_per_s;
    double started_per_s;  /* scheduled for the first time */
    double requests_per_s; /* finished */
    double output_tokens_per_s;
    double goodput_per_s;
    double waiting_until;      /* requests waiting when the part ends */
    double queue_growth_per_s; /* of the waiting, over the later half of the part */
};

struct latency_figures {
    bool percentiles_are_exact; /* those of requests; else within 0.8 % */
    struct distribution ttft_s;
    struct distribution ttfvt_s;
    struct distribution tpot_s;
    struct distribution itl_s;
    struct distribution e2e_s;
    struct distribution queueing_s;
};

struct preemption_figures {
    uint64_t preemptions;
    uint64_t recomputed_tokens;
    uint64_t retries; /* on other instances, of requests whose own had failed */
};

struct straggler_figures {
    double drain_s;           /* from 90 % of the requests done to all done */
    double wasted_slot_share; /* of request slots while busy, against the peak running */
};

struct speculation_figures {
    uint64_t verifications;   /* of one request in one step */
    uint64_t draft_tokens;    /* verified by speculative decoding */
    uint64_t accepted_drafts; /* of them correct */
    uint64_t streamed_chunks; /* deliveries to clients: output tokens less accepted drafts */
};

struct step_figures {
    uint64_t total;
    uint64_t decode;
    uint64_t mixed;
    double extrapolated_share; /* priced beyond what was measured */
};

/* What a run costs; NAN where there is no price, or nothing to divide by. */
struct run_price {
    uint32_t gpus;
    double gpu_s;
    double usd_low;
    double usd_high;
    double usd_per_million_tokens_low; /* of output */
    double usd_per_million_tokens_high;
    double usd_per_right_answer_low;
    double usd_per_right_answer_high;
    double right_per_gpu_s;
    double usd_per_gpu_hour_low;
    double usd_per_gpu_hour_high;
    double usd_per_month_low; /* of all GPUs */
    double usd_per_month_high;
    double usd_per_hour; /* of all GPUs, in the middle of the price range */
};

/* What one instance of a run did. */
struct instance_figures {
    uint64_t finished;      /* requests that it answered; of one that only prefills, prompts */
    uint64_t output_tokens; /* that it gave to clients */
    double busy_s;          /* with requests */
    double kv_mean;         /* share of its blocks in use, over that time */
    double kv_peak;
    double paid_s; /* for which it was on */
    uint32_t failures;
};

struct run_summary {
    struct request_figures requests;
    double makespan_s; /* first sent to last token */
    struct token_figures tokens;
    struct throughput_figures throughput; /* over the whole run */
    struct measured_figures measured;     /* filled in by who knows which part */
    struct latency_figures latency;
    struct timeline_summary timeline;
    struct preemption_figures preemption;
    struct straggler_figures straggler;
    struct speculation_figures speculation;
    struct step_figures steps;
    struct run_price price; /* filled in by run_price_of, by who knows the GPU's price */
};

#endif
