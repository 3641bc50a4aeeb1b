/* What a step costs: GPU time from the batch's sums, and the host's share of it. Prices are
 * piecewise linear, non-negative and monotone, so that they stay sane beyond what was measured.
 *
 * A pure decode costs base(padded requests) + context(requests) for each token attended to + the
 * combining of split contexts; any other step costs base(padded tokens) + prefill attention +
 * the context of the decodes in it, which reads more slowly beside a large prefill. Terms that grow
 * from one step to the next of a stretch (context) are whole picoseconds per token; the others are
 * constant in a stretch and are rounded once per step. */
#ifndef SIM_PRICING_STEP_COST_H
#define SIM_PRICING_STEP_COST_H

#include "sim/base/error.h"
#include "sim/pricing/attention_schedule.h"
#include "sim/pricing/batch_summary.h"

enum { STEP_COST_MAX_KNOTS = 64 };

/* Linear between knots, extended by the last slope beyond the last. */
struct cost_curve {
    uint32_t count;
    double tokens[STEP_COST_MAX_KNOTS];
    double cost_ps[STEP_COST_MAX_KNOTS];
};

/* What the coefficients were fitted for. */
struct step_cost_identity {
    char name[96];   /* of the calibration */
    char source[16]; /* "calibrated", "profiled", "roofline" */
    char engine[64];
    char model[64];
    char gpu[64];
    char weights[32];
    char kv_cache[16];
    uint32_t tensor_parallel;
    uint32_t max_batch_requests; /* the limits under which it was measured; 0: not known */
    uint32_t max_batch_tokens;
};

/* Host time around a step, in picoseconds. */
struct host_cost {
    int64_t launch_ps[3];        /* to launch a step, by enum cuda_graph */
    int64_t launch_tail_ps;      /* launch returned -> step ended, at least; fitted no longer */
    int64_t request_ps;          /* more for each request, where a step only decodes */
    int64_t sync_request_ps;     /* for each request of a step, where one step is in flight */
    bool launch_blocks_loop;     /* one GPU: the engine loop launches itself */
    int64_t request_overhead_ps; /* client sends -> engine has the request */
    int64_t idle_start_ps;       /* an idle engine has a request -> it forms a step */
    int64_t output_overhead_ps;  /* step's output at hand -> client has the token */
    int64_t output_token_ps;     /* more for each token of it, one after the other */
};

/* How far single times scatter around their prices, relative. */
struct cost_spread {
    double step;       /* of a run of steps */
    double launch;     /* of a launch from its median */
    double idle_start; /* of an idle start */
};

/* What the prices were fitted to; beyond it they are extrapolation. */
struct cost_range {
    double decode_requests; /* of a decode step, padded */
    double mixed_tokens;    /* of any other step */
    double context_tokens;  /* of a decode step */
};

struct step_cost {
    struct step_cost_identity identity;
    struct cost_curve decode; /* by padded requests */
    struct attention_shape attention;
    bool attention_is_even;    /* all multiprocessors always have their fair share */
    double tile_ps;            /* a tile of decode attention at a fair share, all layers */
    int64_t split_ps;          /* combining contexts that were split over multiprocessors */
    int64_t split_request_ps;  /* and for each request of such a batch */
    struct cost_curve mixed;   /* by padded tokens */
    double mixed_attention_ps; /* per query-key pair of the prefills */
    int64_t beside_prefill_ps; /* more per context token of decodes beside a large prefill */
    struct host_cost host;
    struct cost_spread spread;
    struct cost_range measured;
    double uncertainty; /* relative, of all step times together: from carrying over */
};

struct step_price {
    int64_t gpu_ps;
    int64_t launch_ps;
};

/* Decode attention of a batch as a straight line in its context: how well the contexts fit the
 * multiprocessors changes slowly, so one line may be held over a stretch of steps. */
struct attention_price {
    int64_t constant_ps;
    int64_t token_ps;
};

/* How far steps and launches lie from their prices: 1 for as priced. */
struct step_noise {
    double gpu;
    double launch;
};

/* 'memo' (or NULL) remembers schedules of one step cost. */
struct attention_price step_cost_attention(const struct step_cost *cost,
                                           const struct batch_summary *summary,
                                           struct attention_memo *memo);

/* How much of 'beside_prefill_ps' a step bears: all from 2048 tokens of prompts on, the largest
 * measured, and in proportion below. */
double step_cost_beside_share(const struct batch_summary *summary);

struct step_price step_cost_price(const struct step_cost *cost, const struct batch_summary *summary,
                                  struct attention_price attention, struct step_noise noise);

/* What the price of a decode step rises by when each of its requests has one token more. */
int64_t step_cost_rise_ps(const struct batch_summary *summary, struct attention_price attention,
                          struct step_noise noise);

/* Takes what the curves hold as measured, with decodes of so many tokens of context. */
void step_cost_note_measured(struct step_cost *cost, double context_tokens);

/* True when the step lies outside of what the coefficients were fitted to. */
bool step_cost_is_extrapolated(const struct step_cost *cost, const struct batch_summary *summary);

double cost_curve_at(const struct cost_curve *curve, double tokens);

/* Every step takes 'step_ps' on the GPU and nothing else costs anything: for tests of theory. */
struct step_cost step_cost_constant(int64_t step_ps);

#endif
