/* Where a prediction's error comes from: from the prices of steps, from the schedule, or both. */
#ifndef CALIBRATION_EXPLANATION_H
#define CALIBRATION_EXPLANATION_H

#include <stdio.h>

#include "calibration/prefill_burst.h"
#include "calibration/step_observations.h"
#include "calibration/validation.h"

/* Prices of measured batches against their measured durations. */
struct regime_error {
    const char *regime;
    uint32_t spans;
    double bias_pct;   /* of the summed time */
    double median_pct; /* of |predicted / measured - 1| */
    double p95_pct;
};

struct explanation {
    struct job_validation both;     /* our schedule, our prices */
    struct job_validation schedule; /* our schedule, at the measured times of scheduling */
    uint32_t scheduled_batches;     /* measured */
    uint32_t same_batches;          /* in which our scheduler, so driven, forms the same batch */
    double cost_bias_pct;           /* measured batches, our prices: of all GPU time */
    struct regime_error regimes[STEP_REGIMES];
    struct prefill_burst_step opening[PREFILL_BURST_MAX_STEPS];
    uint32_t prefill_burst_steps;
    struct step_observations observations; /* of the job, with the contexts only a replay knows */
};

/* The caller's to clear when it succeeds. */
MUST_CHECK bool explanation_run(const struct measured_run *run, const struct measured_job *job,
                                const struct step_cost *cost, struct explanation *ret_explanation,
                                struct error *error);

void explanation_clear(struct explanation *explanation);

void explanation_print(const struct explanation *explanation, FILE *stream);

/* CSV of state over time, measured and predicted, and of step residuals: for the figure. */
MUST_CHECK bool explanation_write(const struct measured_run *run, const struct measured_job *job,
                                  const struct step_cost *cost,
                                  const struct explanation *explanation, const char *directory,
                                  struct error *error);

#endif
