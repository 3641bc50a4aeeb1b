#include "sim/cluster/run_tally.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

enum { ENDS_KEPT = 1 << 20 };

void run_tally_init(struct run_tally *tally, const struct slo *slo, size_t exact_limit)
{
    memset(tally, 0, sizeof *tally);
    tally->slo = *slo;
    tally->first_sent_ps = INT64_MAX;
    tally->ends.stride = 1;
    rate_window_init(&tally->rates);
    latency_init(&tally->ttft, exact_limit);
    latency_init(&tally->ttfvt, exact_limit);
    latency_init(&tally->tpot, exact_limit);
    latency_init(&tally->e2e, exact_limit);
    latency_init(&tally->queueing, exact_limit);
}

void run_tally_clear(struct run_tally *tally)
{
    latency_clear(&tally->ttft);
    latency_clear(&tally->ttfvt);
    latency_clear(&tally->tpot);
    latency_clear(&tally->e2e);
    latency_clear(&tally->queueing);
    rate_window_clear(&tally->rates);
    free(tally->ends.at_ps);
    tally->ends.at_ps = NULL;
}

static void note_end(struct end_times *ends, int64_t at_ps)
{
    if (ends->kept == ENDS_KEPT) {
        for (uint64_t i = 0; i < ENDS_KEPT / 2; i++) {
            ends->at_ps[i] = ends->at_ps[2 * i];
        }
        ends->kept = ENDS_KEPT / 2;
        ends->stride *= 2;
    }
    if (ends->seen++ % ends->stride == 0) {
        ends->at_ps =
            memory_grow(ends->at_ps, &ends->capacity, ends->kept + 1, sizeof ends->at_ps[0]);
        ends->at_ps[ends->kept++] = at_ps;
    }
}

/* When that share of the requests had ended; linear between those kept. */
static double end_quantile_s(const struct end_times *ends, double share)
{
    double position = share * (double)(ends->seen - 1) / (double)ends->stride;
    uint64_t below = (uint64_t)position;
    uint64_t above = below + 1 < ends->kept ? below + 1 : ends->kept - 1;
    double part = position - (double)below;
    return (1 - part) * s_from_ps(ends->at_ps[below]) + part * s_from_ps(ends->at_ps[above]);
}

static bool within(int64_t duration_ps, double limit_s)
{
    return limit_s <= 0 || s_from_ps(duration_ps) <= limit_s;
}

static bool meets(const struct request *request, const struct slo *slo)
{
    return within(request->clock.first_token_ps - request->ask.sent_ps, slo->ttft_s) &&
           within(request->clock.last_token_ps - request->ask.sent_ps, slo->e2e_s) &&
           (request_outputs(request) < 2 || within(request_tpot_ps(request), slo->tpot_s));
}

/* Of the tokens that were generated: an answer may have been ended early. */
static uint32_t thought_tokens(const struct request *request)
{
    uint32_t outputs = request_outputs(request);
    return request->truth.reasoning_tokens < outputs ? request->truth.reasoning_tokens : outputs;
}

void run_tally_add(struct run_tally *tally, const struct request *request)
{
    uint32_t outputs = request_outputs(request);
    tally->sent++;
    tally->first_sent_ps = ps_min(tally->first_sent_ps, request->ask.sent_ps);
    tally->preemptions += request->preemptions;
    tally->recomputed_tokens += request->recomputed_tokens;
    tally->retries += request->retries;
    rate_window_add_sent(&tally->rates, request->ask.sent_ps, request->status != REQUEST_FINISHED);
    if (request->status != REQUEST_FINISHED) {
        return;
    }
    latency_add(&tally->ttft, request->clock.first_token_ps - request->ask.sent_ps);
    latency_add(&tally->e2e, request->clock.last_token_ps - request->ask.sent_ps);
    latency_add(&tally->queueing, request->clock.first_scheduled_ps - request->ask.sent_ps);
    if (outputs > 1) {
        latency_add(&tally->tpot, request_tpot_ps(request));
    }
    if (request->clock.first_visible_ps == TIME_NONE) {
        tally->cut_while_thinking++;
    } else {
        latency_add(&tally->ttfvt, request->clock.first_visible_ps - request->ask.sent_ps);
    }
    note_end(&tally->ends, request->clock.last_token_ps);
    tally->last_token_ps = ps_max(tally->last_token_ps, request->clock.last_token_ps);
    assert(request->cached_tokens <= request->ask.prompt_tokens);
    tally->tokens.prompt += request->ask.prompt_tokens;
    tally->tokens.prompt_cached += request->cached_tokens;
    tally->graded += request->truth.answer_is_known;
    tally->correct += request->truth.is_correct;
    tally->tokens.output += outputs;
    tally->tokens.reasoning += thought_tokens(request);
    bool is_good = meets(request, &tally->slo);
    tally->good += is_good;
    rate_window_add_started(&tally->rates, request->clock.first_scheduled_ps);
    rate_window_add_finished(&tally->rates, request->clock.last_token_ps, outputs, is_good);
}

static void summarize_rates(const struct run_tally *tally, struct run_summary *summary)
{
    double makespan_s = s_from_ps(tally->last_token_ps - tally->first_sent_ps);
    double tokens = (double)tally->tokens.output;
    summary->makespan_s = makespan_s;
    summary->straggler.drain_s =
        s_from_ps(tally->last_token_ps) - end_quantile_s(&tally->ends, 0.9);
    summary->throughput.requests_per_s = (double)tally->ends.seen / makespan_s;
    summary->throughput.output_tokens_per_s = tokens / makespan_s;
    summary->throughput.total_tokens_per_s = (tokens + (double)tally->tokens.prompt) / makespan_s;
    summary->throughput.goodput_per_s = (double)tally->good / makespan_s;
}

static double share_of(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

void run_tally_summarize(struct run_tally *tally, struct run_summary *summary)
{
    struct request_figures *requests = &summary->requests;
    struct latency_figures *latency = &summary->latency;
    requests->total = tally->sent;
    requests->cut_while_thinking = tally->cut_while_thinking;
    requests->graded = tally->graded;
    requests->correct = tally->correct;
    requests->slo_met = tally->good;
    requests->accuracy = share_of(tally->correct, tally->graded);
    requests->attainment = share_of(tally->good, tally->sent);
    summary->tokens = tally->tokens;
    summary->preemption =
        (struct preemption_figures){tally->preemptions, tally->recomputed_tokens, tally->retries};
    latency->percentiles_are_exact = tally->ttft.coarse == NULL;
    latency->ttft_s = latency_distribution(&tally->ttft);
    latency->ttfvt_s = latency_distribution(&tally->ttfvt);
    latency->tpot_s = latency_distribution(&tally->tpot);
    latency->e2e_s = latency_distribution(&tally->e2e);
    latency->queueing_s = latency_distribution(&tally->queueing);
    if (tally->ends.seen > 0) {
        summarize_rates(tally, summary);
    }
}

static double s_or_nan(int64_t at_ps)
{
    return at_ps == TIME_NONE ? NAN : s_from_ps(at_ps);
}

struct request_record request_record_of(const struct request *request, const char *const *datasets)
{
    bool finished = request->status == REQUEST_FINISHED;
    return (struct request_record){
        .request_id = request->id,
        .dataset = datasets != NULL ? datasets[request->ask.dataset] : "",
        .status = finished ? "finished" : "rejected",
        .sent_s = s_or_nan(request->ask.sent_ps),
        .first_scheduled_s = s_or_nan(request->clock.first_scheduled_ps),
        .first_token_s = s_or_nan(request->clock.first_token_ps),
        .first_visible_s = s_or_nan(request->clock.first_visible_ps),
        .last_token_s = s_or_nan(request->clock.last_token_ps),
        .max_itl_s = s_from_ps(request->clock.max_itl_ps),
        .prompt_tokens = request->ask.prompt_tokens,
        .output_tokens = finished ? request_outputs(request) : 0,
        .reasoning_tokens = thought_tokens(request),
        .preemptions = request->preemptions,
    };
}
