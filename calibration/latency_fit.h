/* Fits step costs to requests alone, where nobody logged the engine's steps: a cost model of a
 * near configuration is stretched until the simulated latencies match the measured ones. */
#ifndef CALIBRATION_LATENCY_FIT_H
#define CALIBRATION_LATENCY_FIT_H

#include "calibration/measured_run.h"
#include "sim/pricing/step_cost.h"

/* By what each part of the starting model was multiplied, and how far latencies lie off. */
struct latency_fit_report {
    double decode_ratio;
    double attention_ratio;
    double prefill_ratio;
    double overhead_ratio;
    double ttft_error_pct;   /* mean |predicted / measured - 1| over requests */
    double decode_error_pct; /* the same of the time from first to last token */
};

/* 'cost' holds the starting model and receives the fit. */
MUST_CHECK bool latency_fit_run(const struct measured_run *run, struct step_cost *cost,
                                struct latency_fit_report *ret_report, struct error *error);

#endif
