/* What a run comes to, and what must hold while it runs. */
#include <assert.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/serving/simulation_state.h"

struct run_summary simulation_summarize(struct simulation *simulation)
{
    const struct simulation_counts *counts = &simulation->counts;
    const struct histogram *itl = &simulation->itl;
    struct run_summary summary = {
        .finished = counts->finished,
        .rejected = counts->rejected,
        .timeline = timeline_summarize(&simulation->timeline),
        .steps = counts->decode_steps + counts->mixed_steps,
        .decode_steps = counts->decode_steps,
        .mixed_steps = counts->mixed_steps,
        .draft_tokens = counts->draft_tokens,
        .accepted_drafts = counts->accepted_drafts,
        .verifications = counts->verifications,
        .itl_s = {.count = (size_t)itl->total,
                  .mean = histogram_mean_s(itl),
                  .p50 = histogram_quantile_s(itl, 0.50),
                  .p90 = histogram_quantile_s(itl, 0.90),
                  .p99 = histogram_quantile_s(itl, 0.99),
                  .max = itl->total > 0 ? s_from_ps(itl->maximum_ps) : NAN},
    };
    run_tally_summarize(&simulation->tally, &summary);
    if (summary.finished > 0) {
        summary.wasted_slot_share =
            1 - summary.timeline.running_mean / summary.timeline.running_peak;
    }
    if (summary.steps > 0) {
        summary.extrapolated_step_share =
            (double)counts->extrapolated_steps / (double)summary.steps;
    }
    return summary;
}

static void check_request(const struct instance *instance, uint32_t index, uint64_t *held_blocks)
{
    const struct request *request = &instance->requests[index];
    uint32_t held = instance->kv_cache.held_blocks[index];
    *held_blocks += held;
    bool running = request->status == REQUEST_RUNNING;
    assert(running || held == 0);
    if (running) {
        assert(kv_cache_blocks_for(&instance->kv_cache, request->computed_tokens) <= held);
        assert(request->computed_tokens <= request->known_tokens + request->placeholders);
    }
    if (request->last_token_ps != TIME_NONE) {
        assert(request->sent_ps <= request->first_scheduled_ps);
        assert(request->first_scheduled_ps <= request->first_token_ps);
        assert(request->first_token_ps <= request->last_token_ps);
    }
    (void)running;
}

void simulation_check(struct simulation *simulation)
{
    cohort_write_back(&simulation->instance);
    const struct instance *instance = simulation_instance(simulation);
    const struct simulation_counts *counts = simulation_counts(simulation);
    uint64_t held_blocks = 0;
    uint64_t in_system = 0;
    uint64_t under_way = 0;
    for (uint32_t i = 0; i < simulation->request_count; i++) {
        enum request_status status = simulation->requests[i].status;
        check_request(instance, i, &held_blocks);
        under_way += status == REQUEST_UNSENT;
        in_system += status == REQUEST_WAITING || status == REQUEST_RUNNING ||
                     status == REQUEST_PREEMPTED || status == REQUEST_SWAPPED;
    }
    uint64_t all_blocks = held_blocks + instance->kv_cache.free_blocks;
    assert(all_blocks == instance->kv_cache.total_blocks ||
           instance->preset->create_state !=
               NULL || /* its own tokens, shared or late to be freed */
           (instance->settings.prefix_caching && all_blocks > instance->kv_cache.total_blocks));
    assert(in_system ==
           instance->running_count + instance->waiting.count + instance->swapped.count);
    assert(in_system + under_way + counts->finished + counts->rejected == simulation->sent);
    assert(in_system == 0 || instance->is_busy);
    (void)all_blocks;
    (void)in_system;
    (void)under_way;
    (void)counts;
}
