/* The opening of a job: the steps that compute the prompts which are there from the start, priced
 * and launched in the batches that the engine formed. What is off there is the time of steps, not
 * who was admitted to them. */
#ifndef CALIBRATION_PREFILL_BURST_H
#define CALIBRATION_PREFILL_BURST_H

#include "calibration/step_observations.h"

enum { PREFILL_BURST_MAX_STEPS = 16 };

/* From the scheduling pass of a step to the one that shows its end, two scheduling passes later. */
struct prefill_burst_step {
    uint32_t prefill_tokens;
    uint32_t decode_requests;
    bool launch_bound; /* as predicted: it shows when it or the next is launched, not by the GPU */
    double measured_s;
    double predicted_s;
};

/* Steps up to the last with prompts before decodes repeat, at most PREFILL_BURST_MAX_STEPS;
 * returns their number. 'summaries' are of the run's steps. */
uint32_t prefill_burst_predict(const struct measured_run *run, const struct measured_job *job,
                               const struct step_cost *cost, const struct batch_summary *summaries,
                               struct prefill_burst_step *ret_steps);

#endif
