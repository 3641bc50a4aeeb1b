/* What kvcast-profile measured of a model on a GPU (profiler/PROFILE_FORMAT.md), and the step cost
 * composed from it: what the card does with our kernels and the vendor's libraries, host left
 * aside. */
#ifndef SIM_PRICING_STEP_PROFILE_H
#define SIM_PRICING_STEP_PROFILE_H

#include "sim/pricing/step_cost.h"

enum { STEP_PROFILE_MAX_ROWS = 1024, STEP_PROFILE_MAX_KNOTS = 32 };

/* A measured step. */
struct profile_step {
    uint32_t prompt_tokens;
    uint32_t prompt_context;
    uint32_t requests;
    uint32_t context;
    uint32_t query_tokens;
    double median_ms;
    bool noisy;
};

/* One operation of every layer, back to back. */
struct profile_operation {
    char name[16];
    uint32_t tokens;
    uint32_t context;
    double median_ms;
};

/* The model that was measured; heads and sizes are those of one GPU's part. */
struct profile_shape {
    uint32_t layers;
    uint32_t hidden_size;
    uint32_t intermediate_size;
    uint32_t heads;
    uint32_t kv_heads;
    uint32_t vocab_size;
    uint32_t head_dim;
};

struct step_profile {
    char model[64];
    char gpu[64];
    char weights[32]; /* as the simulator calls the format */
    char kv_cache[16];
    char date[16];
    uint32_t tensor_parallel;
    struct profile_shape shape;
    uint32_t multiprocessors;
    double weight_bytes;
    double kv_bytes_per_token;
    uint32_t step_count;
    uint32_t operation_count;
    struct profile_step steps[STEP_PROFILE_MAX_ROWS];
    struct profile_operation operations[STEP_PROFILE_MAX_ROWS];
};

/* The measured step, or NULL. */
const struct profile_step *step_profile_find(const struct step_profile *profile,
                                             const struct profile_step *like);

/* Decode by padded requests, attention per token of context, prefill by tokens and by query-key
 * pairs; nothing of the host, and contexts as if spread evenly. An error when the profile stopped
 * before it had enough for that. */
MUST_CHECK bool step_profile_compose(const struct step_profile *profile, const char *place,
                                     struct step_cost *cost, struct error *error);

/* GPU time that an engine adds to each step. */
void step_cost_add_constant(struct step_cost *cost, double constant_ps);

/* The host's share, and its noise, of another cost. */
void step_cost_take_host(struct step_cost *cost, const struct step_cost *host);

#endif
