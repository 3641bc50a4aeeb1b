#include "calibration/host_speed.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "calibration/robust_fit.h"
#include "calibration/step_observations.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

enum { FEWEST_STEPS = 8 };

/* So much longer than the GPU must the host take that it sets the pace for certain. */
#define MARGIN 1.0

/* Decodes alone from two steps before to one after, so that neither a launch of another kind nor a
 * prompt stands between the two scheduling passes. */
static bool is_among_decodes(const struct measured_job *job, const struct measured_run *run,
                             uint32_t step)
{
    bool is_inside = step >= job->first_step + 2 && step + 1 < job->first_step + job->step_count;
    for (uint32_t i = step - 2; is_inside && i <= step + 1; i++) {
        is_inside = run->steps[i].prefill_requests == 0;
    }
    return is_inside;
}

/* Half of the deviation, in the logarithm, is kept: hosts change their speed within seconds, and
 * what a sweep shows holds only in part for what follows (0 to 90 % in four runs). */
struct host_speed host_speed_measure(const struct measured_run *run, const struct step_cost *cost)
{
    struct host_speed speed = {.slowdown = 1};
    double *ratios = memory_zeroed((size_t)run->step_count + 1, sizeof ratios[0]);
    for (uint32_t j = 0; j < run->job_count; j++) {
        const struct measured_job *job = &run->jobs[j];
        bool tells = job->is_sweep && run->engine.speculation.draft_tokens == 0;
        for (uint32_t i = job->first_step; tells && i < job->first_step + job->step_count; i++) {
            if (!is_among_decodes(job, run, i)) {
                continue;
            }
            speed.decode_steps++;
            struct batch_summary summary = step_observations_summarize(run, job, &run->steps[i]);
            struct step_price price = step_observations_price(cost, &summary);
            if ((double)price.launch_ps > MARGIN * (double)price.gpu_ps) {
                double took_s = run->steps[i + 1].schedule_s - run->steps[i].schedule_s;
                ratios[speed.steps++] = took_s / s_from_ps(price.launch_ps);
            }
        }
    }
    if (speed.steps >= FEWEST_STEPS) {
        speed.slowdown = sqrt(robust_median(ratios, speed.steps));
    }
    free(ratios);
    assert(speed.slowdown > 0);
    return speed;
}

void host_speed_apply(double slowdown, struct step_cost *cost)
{
    struct host_cost *host = &cost->host;
    assert(slowdown > 0);
    for (int graph = 0; graph < 3; graph++) {
        host->launch_ps[graph] = nearest_whole((double)host->launch_ps[graph] * slowdown);
    }
    host->request_ps = nearest_whole((double)host->request_ps * slowdown);
}
