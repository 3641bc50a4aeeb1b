/* One measured run of a real engine: a folder with engine.json, jobs.csv, requests.csv and
 * steps.csv (calibration/MEASURED_RUN.md). */
#ifndef CALIBRATION_MEASURED_RUN_H
#define CALIBRATION_MEASURED_RUN_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/launched_sizes.h"
#include "sim/pricing/step_cost.h"

enum { MEASURED_MAX_DRAFTS = 16 };

/* How the engine drafted; no draft tokens: it did not. */
struct measured_speculation {
    char method[16]; /* "ngram" */
    uint32_t draft_tokens;
    double acceptance[MEASURED_MAX_DRAFTS]; /* share of verifications that accept so many or more */
};

struct measured_engine {
    char engine[32];
    char engine_version[32];
    char gpu[64];
    uint32_t tensor_parallel;
    char weights[32];
    char kv_cache[16];
    char model[64];
    uint32_t block_tokens;
    uint32_t num_blocks;
    uint32_t max_batch_requests;
    uint32_t max_batch_tokens;
    bool prefix_caching;
    uint32_t max_model_len;
    char scheduling_policy[16];    /* "fcfs" where the file does not say */
    double gpu_memory_utilization; /* 0: the number of blocks was set by hand */
    bool new_sizes_wait; /* as these weights make the engine do (sim/hardware/precision.h) */
    struct measured_speculation speculation;
};

struct measured_request {
    uint32_t job;
    uint32_t request_id;
    uint32_t prompt_tokens;
    uint32_t output_tokens;
    double sent_s;
    double first_token_s;
    double last_token_s;
    double max_itl_s;
    int32_t priority;         /* 0 where the file has none, as all that follow */
    uint32_t conversation_id; /* the turns of one conversation go one after the other */
    uint32_t turn;
    uint32_t prefix_id; /* of the system prompt it begins with */
    uint32_t prefix_tokens;
};

/* State and content of one pass. */
struct measured_step {
    double schedule_s;
    uint32_t prefill_tokens;
    uint32_t prefill_requests;
    uint32_t prefill_context_tokens;
    uint32_t decode_requests;
    uint32_t decode_context_tokens;
    uint32_t running_requests;
    uint32_t waiting_requests;
    double kv_utilization;
    uint32_t preempted_requests;
    uint32_t draft_tokens; /* verified, beside one token of each decode */
};

struct measured_job {
    char name[64];
    double start_s;
    double end_s;
    bool is_sweep; /* "sweep:BxC": B requests of C prompt tokens at once */
    uint32_t sweep_prompt_tokens;
    uint32_t first_request; /* its requests, in order */
    uint32_t request_count;
    uint32_t first_step; /* scheduling passes within [start_s, end_s] */
    uint32_t step_count;
};

struct measured_run {
    char path[1024];
    char name[64]; /* last part of the path */
    struct measured_engine engine;
    struct measured_job *jobs;
    uint32_t job_count;
    struct measured_request *requests;
    uint32_t request_count;
    struct measured_step *steps;
    uint32_t step_count;
};

MUST_CHECK bool measured_run_read(struct measured_run *run, const char *path, struct error *error);
void measured_run_clear(struct measured_run *run);

static inline uint32_t measured_step_tokens(const struct measured_step *step)
{
    return step->prefill_tokens + step->decode_requests + step->draft_tokens;
}

/* Adds the tokens of the run's first 'step_count' steps. */
void measured_run_note_sizes(const struct measured_run *run, uint32_t step_count,
                             struct launched_sizes *sizes);

/* Names the run and its configuration as what 'identity' was calibrated on. */
void measured_run_identify(const struct measured_run *run, struct step_cost_identity *identity);

/* What the measured engine asks a step cost for; 'source' may be NULL. */
struct cost_request measured_engine_cost_request(const struct measured_engine *engine,
                                                 const char *source);

#endif
