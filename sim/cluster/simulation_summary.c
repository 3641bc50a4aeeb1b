/* What a run comes to, and what must hold while it runs. */
#include <assert.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/cluster/simulation_state.h"
#include "sim/serving/decode_group.h"

const struct rate_window *simulation_rates(const struct simulation *simulation)
{
    return &simulation->tally.rates;
}

struct run_summary simulation_summarize(struct simulation *simulation)
{
    const struct step_counts *counts = &simulation->record.counts;
    const struct histogram *itl = &simulation->record.itl;
    struct run_summary summary = {
        .requests = {.finished = simulation->counts.finished,
                     .rejected = simulation->counts.rejected},
        .timeline = timeline_summarize(&simulation->record.timeline),
        .steps = {.total = counts->decode_steps + counts->mixed_steps,
                  .decode = counts->decode_steps,
                  .mixed = counts->mixed_steps},
        .speculation = {.draft_tokens = counts->draft_tokens,
                        .accepted_drafts = counts->accepted_drafts,
                        .verifications = counts->verifications},
        .latency.itl_s = {.count = itl->total,
                          .mean = histogram_mean_s(itl),
                          .p50 = histogram_quantile_s(itl, 0.50),
                          .p90 = histogram_quantile_s(itl, 0.90),
                          .p95 = histogram_quantile_s(itl, 0.95),
                          .p99 = histogram_quantile_s(itl, 0.99),
                          .p999 = histogram_quantile_s(itl, 0.999),
                          .max = itl->total > 0 ? s_from_ps(itl->maximum_ps) : NAN},
    };
    run_tally_summarize(&simulation->tally, &summary);
    summary.speculation.streamed_chunks =
        summary.tokens.output - summary.speculation.accepted_drafts;
    if (summary.requests.finished > 0) {
        summary.straggler.wasted_slot_share =
            1 - summary.timeline.running_mean / summary.timeline.running_peak;
    }
    if (summary.steps.total > 0) {
        summary.steps.extrapolated_share =
            (double)counts->extrapolated_steps / (double)summary.steps.total;
    }
    return summary;
}

uint32_t simulation_instance_count(const struct simulation *simulation)
{
    return simulation->cluster.count;
}

struct instance_figures simulation_instance_figures(const struct simulation *simulation,
                                                    uint32_t number)
{
    assert(number < simulation->cluster.count);
    const struct cluster_node *node = &simulation->cluster.nodes[number];
    const struct timeline_track *track = &simulation->record.timeline.tracks[number];
    return (struct instance_figures){
        .finished = node->finished,
        .output_tokens = simulation->cluster.instances[number].account.output_tokens,
        .busy_s = s_from_ps(track->busy_ps),
        .kv_mean = timeline_track_kv_mean(track),
        .kv_peak = (double)track->peak_blocks / track->total_blocks,
        .paid_s = simulation_paid_s(simulation, number),
        .failures = node->failures,
    };
}

static void check_request(const struct simulation *simulation, uint32_t index)
{
    const struct request *request = &simulation->requests.requests[index];
    bool running = request->status == REQUEST_RUNNING;
    uint32_t held = 0;
    uint32_t where = 0;
    for (uint32_t i = 0; i < simulation->cluster.count; i++) {
        uint32_t blocks = simulation->cluster.instances[i].kv_cache.held_blocks[index];
        assert(blocks == 0 || held == 0);
        held += blocks;
        where = blocks > 0 ? i : where;
    }
    assert(running || held == 0);
    if (running) {
        const struct kv_cache *cache = &simulation->cluster.instances[where].kv_cache;
        assert(kv_cache_blocks_for(cache, request->computed_tokens) <= held);
        (void)cache;
        assert(request->computed_tokens <= request->known_tokens + request->placeholders);
    }
    if (request->clock.last_token_ps != TIME_NONE) {
        assert(request->ask.sent_ps <= request->clock.first_scheduled_ps);
        assert(request->clock.first_scheduled_ps <= request->clock.first_token_ps);
        assert(request->clock.first_token_ps <= request->clock.last_token_ps);
    }
    (void)running;
    (void)held;
}

/* Blocks of one instance; an engine with a cache of its own has tokens that are shared or freed
 * late. */
static void check_blocks(const struct simulation *simulation, const struct instance *instance)
{
    uint64_t held_blocks = 0;
    for (uint32_t i = 0; i < simulation->requests.count; i++) {
        held_blocks += instance->kv_cache.held_blocks[i];
    }
    uint64_t all_blocks = held_blocks + instance->kv_cache.free_blocks;
    assert(
        all_blocks == instance->kv_cache.total_blocks ||
        instance->config->preset->create_state != NULL ||
        (instance->config->engine.prefix_caching && all_blocks > instance->kv_cache.total_blocks));
    (void)all_blocks;
}

void simulation_check(struct simulation *simulation)
{
    const struct simulation_counts *counts = simulation_counts(simulation);
    uint64_t in_instances = 0;
    uint64_t in_system = 0;
    uint64_t under_way = 0;
    bool any_busy = false;
    for (uint32_t i = 0; i < simulation->cluster.count; i++) {
        struct instance *instance = &simulation->cluster.instances[i];
        decode_group_write_back(instance);
        check_blocks(simulation, instance);
        in_instances += instance->running_count + instance->waiting.count + instance->swapped.count;
        any_busy = any_busy || instance->loop.is_busy;
        assert(!instance_has_work(instance) || instance->loop.is_busy);
    }
    for (uint32_t i = 0; i < simulation->requests.count; i++) {
        enum request_status status = simulation->requests.requests[i].status;
        check_request(simulation, i);
        under_way += status == REQUEST_UNSENT;
        in_system += status == REQUEST_WAITING || status == REQUEST_RUNNING ||
                     status == REQUEST_PREEMPTED || status == REQUEST_SWAPPED;
    }
    assert(in_system == in_instances);
    assert(in_system + under_way + counts->finished + counts->rejected == simulation->intake.sent);
    assert(in_system == 0 || any_busy);
    (void)in_instances;
    (void)in_system;
    (void)under_way;
    (void)any_busy;
    (void)counts;
}
