/* What a run comes to, and what must hold while it runs. */
#include <assert.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/serving/simulation_state.h"

static double s_or_nan(int64_t at_ps)
{
    return at_ps == TIME_NONE ? NAN : s_from_ps(at_ps);
}

struct request_record simulation_record(const struct request *request, uint32_t request_id,
                                        const char *const *datasets)
{
    bool finished = request->status == REQUEST_FINISHED;
    return (struct request_record){
        .request_id = request_id,
        .dataset = datasets != NULL ? datasets[request->dataset] : "",
        .status = finished ? "finished" : "rejected",
        .sent_s = s_or_nan(request->sent_ps),
        .first_scheduled_s = s_or_nan(request->first_scheduled_ps),
        .first_token_s = s_or_nan(request->first_token_ps),
        .first_visible_s = s_or_nan(request->first_visible_ps),
        .last_token_s = s_or_nan(request->last_token_ps),
        .max_itl_s = s_from_ps(request->max_itl_ps),
        .prompt_tokens = request->prompt_tokens,
        .output_tokens = finished ? request_outputs(request) : 0,
        .reasoning_tokens = request->reasoning_tokens,
        .preemptions = request->preemptions,
    };
}

struct gathering {
    struct samples ttft, ttfvt, tpot, e2e, queueing, last;
    double first_sent_s;
    uint64_t good;
};

static double tpot_s(const struct request_record *record)
{
    return (record->last_token_s - record->first_token_s) / (record->output_tokens - 1);
}

static bool meets(const struct request_record *record, const struct slo *slo)
{
    double ttft_s = record->first_token_s - record->sent_s;
    double e2e_s = record->last_token_s - record->sent_s;
    return (slo->ttft_s <= 0 || ttft_s <= slo->ttft_s) &&
           (slo->e2e_s <= 0 || e2e_s <= slo->e2e_s) &&
           (slo->tpot_s <= 0 || record->output_tokens < 2 || tpot_s(record) <= slo->tpot_s);
}

static void gather(struct gathering *all, const struct request *request, const struct slo *slo,
                   struct run_summary *summary)
{
    struct request_record record = simulation_record(request, 0, NULL);
    all->first_sent_s = fmin(all->first_sent_s, record.sent_s);
    summary->preemptions += request->preemptions;
    summary->recomputed_tokens += request->recomputed_tokens;
    if (request->status != REQUEST_FINISHED) {
        return;
    }
    samples_add(&all->ttft, record.first_token_s - record.sent_s);
    samples_add(&all->e2e, record.last_token_s - record.sent_s);
    samples_add(&all->queueing, record.first_scheduled_s - record.sent_s);
    samples_add(&all->last, record.last_token_s);
    if (record.output_tokens > 1) {
        samples_add(&all->tpot, tpot_s(&record));
    }
    if (isnan(record.first_visible_s)) {
        summary->cut_while_thinking++;
    } else {
        samples_add(&all->ttfvt, record.first_visible_s - record.sent_s);
    }
    summary->prompt_tokens += record.prompt_tokens;
    summary->output_tokens += record.output_tokens;
    summary->reasoning_tokens += record.reasoning_tokens < record.output_tokens
                                     ? record.reasoning_tokens
                                     : record.output_tokens;
    all->good += slo == NULL || meets(&record, slo);
}

static void clear(struct gathering *all)
{
    samples_clear(&all->ttft);
    samples_clear(&all->ttfvt);
    samples_clear(&all->tpot);
    samples_clear(&all->e2e);
    samples_clear(&all->queueing);
    samples_clear(&all->last);
}

struct run_summary simulation_summarize(const struct simulation *simulation, const struct slo *slo)
{
    const struct simulation_counts *counts = simulation_counts(simulation);
    const struct histogram *itl = simulation_itl(simulation);
    const struct instance *instance = simulation_instance(simulation);
    struct run_summary summary = {
        .requests = instance->kv_cache.request_count,
        .finished = counts->finished,
        .rejected = counts->rejected,
        .timeline = timeline_summarize(simulation_timeline(simulation)),
        .steps = counts->decode_steps + counts->mixed_steps,
        .decode_steps = counts->decode_steps,
        .mixed_steps = counts->mixed_steps,
        .itl_s = {.count = (size_t)itl->total,
                  .mean = histogram_mean_s(itl),
                  .p50 = histogram_quantile_s(itl, 0.50),
                  .p90 = histogram_quantile_s(itl, 0.90),
                  .p99 = histogram_quantile_s(itl, 0.99),
                  .max = itl->total > 0 ? s_from_ps(itl->maximum_ps) : NAN},
    };
    struct gathering all = {.first_sent_s = INFINITY};
    for (uint32_t i = 0; i < summary.requests; i++) {
        gather(&all, &instance->requests[i], slo, &summary);
    }
    summary.ttft_s = samples_distribution(&all.ttft);
    summary.ttfvt_s = samples_distribution(&all.ttfvt);
    summary.tpot_s = samples_distribution(&all.tpot);
    summary.e2e_s = samples_distribution(&all.e2e);
    summary.queueing_s = samples_distribution(&all.queueing);
    if (summary.finished > 0) {
        double last_s = samples_quantile(&all.last, 1);
        summary.makespan_s = last_s - all.first_sent_s;
        summary.drain_s = last_s - samples_quantile(&all.last, 0.9);
        summary.requests_per_s = (double)summary.finished / summary.makespan_s;
        summary.output_tokens_per_s = (double)summary.output_tokens / summary.makespan_s;
        summary.total_tokens_per_s =
            (double)(summary.output_tokens + summary.prompt_tokens) / summary.makespan_s;
        summary.goodput_per_s = (double)all.good / summary.makespan_s;
        summary.wasted_slot_share =
            1 - summary.timeline.running_mean / summary.timeline.running_peak;
    }
    if (summary.steps > 0) {
        summary.extrapolated_step_share =
            (double)counts->extrapolated_steps / (double)summary.steps;
    }
    clear(&all);
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
    uint64_t unsent = 0;
    for (uint32_t i = 0; i < instance->kv_cache.request_count; i++) {
        enum request_status status = instance->requests[i].status;
        check_request(instance, i, &held_blocks);
        unsent += status == REQUEST_UNSENT;
        in_system +=
            status == REQUEST_WAITING || status == REQUEST_RUNNING || status == REQUEST_PREEMPTED;
    }
    assert(held_blocks + instance->kv_cache.free_blocks == instance->kv_cache.total_blocks);
    assert(in_system == instance->running_count + instance->waiting.count);
    assert(in_system + unsent + counts->finished + counts->rejected ==
           instance->kv_cache.request_count);
    assert(in_system == 0 || instance->is_busy);
    (void)in_system;
    (void)unsent;
    (void)counts;
}
