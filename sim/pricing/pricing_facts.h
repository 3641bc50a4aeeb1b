/* Facts of engines, kernels and links that prices are carried over by, each in a JSON file with its
 * source: sim/pricing/data. A file of the same path on disk goes before the one compiled in. */
#ifndef SIM_PRICING_PRICING_FACTS_H
#define SIM_PRICING_PRICING_FACTS_H

#include "sim/pricing/all_reduce.h"
#include "sim/pricing/step_cost.h"
#include "sim/pricing/weight_kernel.h"

/* step-terms.json says what each is and where it was seen. */
struct step_terms {
    double step_overhead_us;
    double layer_overhead_us;
    double launch_layers_exponent;
    double tile_heads_exponent;
    double fp8_kv_layer_us;
    double fp8_kv_launch_ratio;
    double workers_piecewise_ratio;
    double workers_no_graph_ratio;
};

/* Shares of a GPU's data sheet that kernels reach (gpu-efficiencies.json says where seen). */
struct gpu_efficiency {
    char gpu[48];     /* "": any other */
    double read;      /* weights at batch 1, of the memory bandwidth */
    double compute;   /* products of 2048 rows, of the bf16 rate */
    double attention; /* decode attention, of the memory bandwidth */
    double fp8_kv;    /* time of decode attention over FP8 KV against bf16 KV */
};

/* How the launches of an engine differ from the calibrated ones. */
struct engine_launches {
    char engine[32];       /* the name of its preset */
    double layer_us;       /* a step without a graph, of each layer; 0: as calibrated */
    bool loop_holds_graph; /* on one GPU the time of its loop holds the launch of a full graph */
    bool waits_always;     /* one step in flight, whatever is set */
    /* With one step in flight, host time passes between steps; 0: as with two. */
    double sync_step_us;     /* of a step, the launch of its full graph included */
    double sync_request_us;  /* and of each request in it */
    double draft_step_us;    /* more where requests have drafts, of a step */
    double draft_request_us; /* and of each request in it */
    /* With two, host time that the GPU hides while it takes longer; 0: as calibrated. */
    double loop_step_us; /* of a step, the launch of its full graph included */
    double piecewise_us; /* usual launches of a model of 28 layers; 0: as calibrated */
    double no_graph_us;
    double loop_request_us; /* and of each request in it */
    double output_token_us; /* of the client's process for each token that it passes on */
};

struct pricing_facts {
    struct step_terms terms;
    struct weight_kernels kernels;
    struct all_reduce_tables all_reduces;
    struct engine_launches *launches;
    uint32_t launch_count;
    struct gpu_efficiency *efficiencies;
    uint32_t efficiency_count;
};

/* The shipped facts, read at the first call of the process and shared by all threads; they are
 * never written again and not to be freed. */
MUST_CHECK bool pricing_facts_shipped(const struct pricing_facts **ret_facts, struct error *error);

/* The shares of a GPU, or those of any other where none are known. */
const struct gpu_efficiency *pricing_facts_efficiency(const struct pricing_facts *facts,
                                                      const struct gpu *gpu);

/* Whose launches. */
struct launch_request {
    const char *engine;
    uint32_t layers;
    uint32_t tensor_parallel;
    bool one_step_in_flight;
    bool has_drafts;
};

/* Puts what is known of an engine's launches in the place of the calibrated ones. */
void pricing_facts_set_launches(const struct pricing_facts *facts,
                                const struct launch_request *request, struct step_cost *cost);

#endif
