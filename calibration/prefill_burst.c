#include "calibration/prefill_burst.h"

#include "sim/base/smaller.h"
#include "sim/base/units.h"
#include "sim/pricing/step_clock.h"

/* Two decode steps in a row: the prompts that were there have been computed. */
static uint32_t count_steps(const struct measured_job *job, const struct batch_summary *first)
{
    uint32_t limit =
        smaller(job->step_count > 2 ? job->step_count - 2 : 0, PREFILL_BURST_MAX_STEPS);
    uint32_t count = 0;
    for (uint32_t i = 0; i < limit && i < count + 2; i++) {
        if (first[i].prefill_requests > 0) {
            count = i + 1;
        }
    }
    return count;
}

uint32_t prefill_burst_predict(const struct measured_run *run, const struct measured_job *job,
                               const struct step_cost *cost, const struct batch_summary *summaries,
                               struct prefill_burst_step *ret_steps)
{
    const struct batch_summary *first = &summaries[job->first_step];
    const struct measured_step *measured = &run->steps[job->first_step];
    struct step_clock clock = {.new_sizes_wait = run->engine.new_sizes_wait};
    int64_t scheduled_ps[PREFILL_BURST_MAX_STEPS + 2] = {0};
    int64_t ended_ps = 0; /* of the step before the one that is launched */
    uint32_t count = count_steps(job, first);
    measured_run_note_sizes(run, job->first_step, &clock.launched_sizes);
    for (uint32_t i = 0; i < count + 1 && count > 0; i++) {
        int64_t now_ps = scheduled_ps[i];
        step_clock_launch(&clock, cost, &first[i], step_observations_price(cost, &first[i]),
                          now_ps);
        int64_t returned_ps = cost->host.launch_blocks_loop ? clock.launch_done_ps : now_ps;
        scheduled_ps[i + 1] = ps_max(returned_ps, ended_ps);
        if (i > 0 && returned_ps > ended_ps) {
            ret_steps[i - 1].launch_bound = true;
        }
        ended_ps = clock.gpu_free_ps;
        if (i < count) {
            ret_steps[i].prefill_tokens = first[i].prefill_tokens;
            ret_steps[i].decode_requests = first[i].decode_requests;
            ret_steps[i].launch_bound =
                clock.gpu_free_ps == clock.launch_done_ps + cost->host.launch_tail_ps;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_steps[i].measured_s = measured[i + 2].schedule_s - measured[i].schedule_s;
        ret_steps[i].predicted_s = s_from_ps(scheduled_ps[i + 2] - scheduled_ps[i]);
    }
    step_clock_clear(&clock);
    return count;
}
