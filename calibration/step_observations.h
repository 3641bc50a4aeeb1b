/* Durations of steps, read from the times at which a real engine formed them.
 *
 * With asynchronous scheduling the scheduling pass of step i+2 begins when step i's output has been
 * taken in, unless the launch of step i+1 still holds the loop. So the time of a scheduling pass
 * shows either the end of a step or the end of a launch. Where a step's end is hidden, its time
 * stays in a sum with those after it, up to the next end that shows. */
#ifndef CALIBRATION_STEP_OBSERVATIONS_H
#define CALIBRATION_STEP_OBSERVATIONS_H

#include "calibration/measured_run.h"
#include "sim/pricing/batch_summary.h"
#include "sim/pricing/step_cost.h"

/* Decodes are 2 to 8 % slower after large prefills, which lower the GPU's clocks; both that and the
 * recovery take about this long (seen in all eight sweeps, tests/accuracy/attention_constants.sh),
 * so heat is an exponential mean over this time. */
#ifndef HEAT_TIME_S
#define HEAT_TIME_S 0.05
#endif

/* GPU time of 'count' steps that ran back to back. */
struct step_span {
    uint32_t first;
    uint32_t count;
    double gpu_s;
};

struct step_observations {
    struct batch_summary *summaries; /* of every step of the run */
    bool *waits;                     /* its launch waited for the step before it */
    double *launch_s;                /* host time of its launch; NAN when hidden */
    double *heat;                    /* share of the time before it that large steps took */
    struct step_span *spans;         /* of the sweep jobs */
    uint32_t span_count;
    uint32_t step_count;
};

/* Reads all sweep jobs of a run; 'guess' is the cost model so far, which tells hidden ends. */
void step_observations_init(struct step_observations *observations, const struct measured_run *run,
                            const struct step_cost *guess);
void step_observations_clear(struct step_observations *observations);

/* Kinds of steps whose errors are reported apart. */
enum { STEP_REGIMES = 4 };
extern const char *const step_regime_names[STEP_REGIMES];
int step_regime(const struct batch_summary *summary);

/* The price of a step on its own. */
struct step_price step_observations_price(const struct step_cost *cost,
                                          const struct batch_summary *summary);

/* The batch of a measured step. Per-request terms are exact where one prompt length is at work, as
 * in sweeps; elsewhere prompts and contexts are taken as equal. */
struct batch_summary step_observations_summarize(const struct measured_run *run,
                                                 const struct measured_job *job,
                                                 const struct measured_step *step);

#endif
