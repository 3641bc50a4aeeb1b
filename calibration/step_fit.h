/* Fits the step-cost model to the sweep jobs of measured runs of one configuration. */
#ifndef CALIBRATION_STEP_FIT_H
#define CALIBRATION_STEP_FIT_H

#include "calibration/measured_run.h"
#include "calibration/step_observations.h"
#include "sim/pricing/step_cost.h"

/* How far the fit lies from measured spans of one regime, as |predicted / measured - 1|. */
struct fit_error {
    const char *regime;
    uint32_t spans;
    double median_pct;
    double p95_pct;
    double held_out_median_pct; /* of every fifth span, fitted without it */
};

struct fit_report {
    struct fit_error errors[STEP_REGIMES];
    double
        throttling_pct; /* how much slower decodes are in the full heat of prefills: not priced */
    double with_throttling_pct; /* mean error of pure decodes with it, one counted as 5 % at most */
};

MUST_CHECK bool step_fit_run(const struct measured_run *run, struct step_cost *ret_cost,
                             struct fit_report *ret_report, struct error *error);

#endif
