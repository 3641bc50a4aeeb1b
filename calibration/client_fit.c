#include "calibration/client_fit.h"

#include <math.h>
#include <stdlib.h>

#include "calibration/robust_fit.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

/* Longer prompts take visibly longer to hand over (0.06 us a token), which the traces' do not. */
enum { SHORT_PROMPT_TOKENS = 512 };

/* Of the sweep jobs, as far as each tells. */
struct client_times {
    double *travels_s;
    double *starts_s;
    double *outputs_s;
    size_t travel_count;
    size_t start_count;
    size_t output_count;
};

/* How long a request takes to the engine: the first scheduling pass of a burst had some of its
 * requests and had not yet the next. Half way between the two bounds; NAN when the scheduling pass
 * does not tell. */
static double travel_s(const struct measured_run *run, const struct measured_job *job)
{
    const struct measured_step *first = &run->steps[job->first_step];
    const struct measured_request *requests = &run->requests[job->first_request];
    uint32_t taken = first->prefill_requests;
    if (taken == 0 || taken >= job->request_count ||
        first->prefill_tokens != taken * requests[0].prompt_tokens ||
        requests[taken].sent_s < requests[taken - 1].sent_s) {
        return NAN;
    }
    return first->schedule_s - (requests[taken].sent_s + requests[taken - 1].sent_s) / 2;
}

static void collect(struct client_times *times, const struct measured_run *run,
                    const struct measured_job *job)
{
    const struct measured_request *request = &run->requests[job->first_request];
    const struct measured_step *steps = &run->steps[job->first_step];
    if (request->prompt_tokens <= SHORT_PROMPT_TOKENS) {
        double travel = travel_s(run, job);
        if (!isnan(travel)) {
            times->travels_s[times->travel_count++] = travel;
        }
        times->starts_s[times->start_count++] = steps[0].schedule_s - request->sent_s;
    }
    if (job->request_count == 1 && steps[1].prefill_requests == 0) {
        times->outputs_s[times->output_count++] = request->first_token_s - steps[2].schedule_s;
    }
}

/* The start is travel and wake; all that it varies by is laid on the wake. */
static void fit_start(struct client_times *times, struct step_cost *cost)
{
    if (times->start_count == 0) {
        return;
    }
    double start_s = robust_median(times->starts_s, times->start_count);
    double travel_s =
        times->travel_count > 0 ? robust_median(times->travels_s, times->travel_count) : start_s;
    travel_s = fmax(0, fmin(travel_s, start_s));
    double wake_s = start_s - travel_s;
    for (size_t i = 0; i < times->start_count; i++) {
        times->starts_s[i] -= start_s;
    }
    double deviation_s = robust_deviation(times->starts_s, times->start_count);
    cost->host.request_overhead_ps = ps_from_s(travel_s);
    cost->host.idle_start_ps = ps_from_s(wake_s);
    cost->spread.idle_start = wake_s > 0 ? deviation_s / wake_s : 0;
}

void client_fit(const struct measured_run *run, struct step_cost *cost)
{
    double *values = memory_zeroed(3 * (size_t)run->job_count, sizeof values[0]);
    struct client_times times = {.travels_s = values,
                                 .starts_s = values + run->job_count,
                                 .outputs_s = values + 2 * (size_t)run->job_count};
    for (uint32_t i = 0; i < run->job_count; i++) {
        const struct measured_job *job = &run->jobs[i];
        if (job->is_sweep && job->request_count > 0 && job->step_count >= 4) {
            collect(&times, run, job);
        }
    }
    fit_start(&times, cost);
    if (times.output_count > 0) {
        double output_s = robust_median(times.outputs_s, times.output_count);
        cost->host.output_overhead_ps = ps_max(0, ps_from_s(output_s));
    }
    free(values);
}
