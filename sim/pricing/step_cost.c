#include "sim/pricing/step_cost.h"

#include <assert.h>
#include <math.h>

#include "sim/base/smaller.h"
#include "sim/base/units.h"

double cost_curve_at(const struct cost_curve *curve, double tokens)
{
    assert(curve->count > 0 && curve->count <= STEP_COST_MAX_KNOTS);
    if (curve->count == 1 || tokens <= curve->tokens[0]) {
        return curve->cost_ps[0];
    }
    uint32_t right = 1;
    while (right + 1 < curve->count && tokens > curve->tokens[right]) {
        right++;
    }
    double span = curve->tokens[right] - curve->tokens[right - 1];
    assert(span > 0);
    double slope = (curve->cost_ps[right] - curve->cost_ps[right - 1]) / span;
    if (tokens > curve->tokens[right]) {
        slope = fmax(slope, 0);
    }
    return curve->cost_ps[right] + slope * (tokens - curve->tokens[right]);
}

/* All requests of the batch pass through, however few were split. */
static double combining_ps(const struct step_cost *cost, uint32_t requests)
{
    return (double)cost->split_ps + (double)cost->split_request_ps * requests;
}

double step_cost_beside_share(const struct batch_summary *summary)
{
    const double full_tokens = 2048;
    return smaller_of(1, summary->prefill_tokens / full_tokens);
}

struct attention_price step_cost_attention(const struct step_cost *cost,
                                           const struct batch_summary *summary,
                                           struct attention_memo *memo)
{
    uint32_t requests = summary->decode_requests;
    if (requests == 0 || cost->tile_ps <= 0) {
        return (struct attention_price){0, 0};
    }
    const struct attention_contexts contexts = {.requests = requests,
                                                .tokens = summary->decode_context_tokens,
                                                .squares = summary->decode_context_squares};
    double even = attention_schedule_even(&cost->attention, requests, contexts.tokens);
    assert(even > 0);
    double tiles = even;
    double constant_ps = 0;
    if (!cost->attention_is_even) {
        struct attention_time time = attention_schedule_typical(&cost->attention, &contexts, memo);
        tiles = time.tiles - ATTENTION_PIECE_TILES;
        constant_ps = ATTENTION_PIECE_TILES * cost->tile_ps +
                      (time.is_split ? combining_ps(cost, requests) : 0);
    }
    double token_ps = cost->tile_ps * tiles / even * cost->attention.kv_heads /
                      cost->attention.multiprocessors / ATTENTION_TILE_TOKENS;
    token_ps += (double)cost->beside_prefill_ps * step_cost_beside_share(summary);
    int64_t whole_token_ps = nearest_whole(token_ps);
    return (struct attention_price){
        .constant_ps = nearest_whole(constant_ps) +
                       ps_times(whole_token_ps, (int64_t)requests * (ATTENTION_TILE_TOKENS / 2)),
        .token_ps = whole_token_ps,
    };
}

/* Attention of a prompt is cut into as many pieces as it has heads and tiles of tokens, each for a
 * multiprocessor: a few new tokens over a long context leave most of them idle. */
static double idle_factor(const struct attention_shape *shape, const struct batch_summary *summary)
{
    uint32_t tiles = (summary->prefill_tokens + ATTENTION_TILE_TOKENS - 1) / ATTENTION_TILE_TOKENS;
    uint32_t rows = tiles > summary->prefill_requests ? tiles : summary->prefill_requests;
    double pieces = (double)shape->query_heads * rows;
    return pieces > 0 ? fmax(1, shape->multiprocessors / pieces) : 1;
}

/* A day for one step: what is dearer, by noise or by mistake, is priced so, and soon ends the run.
 */
#define MAX_STEP_PS 8.64e16

/* Whole, so that the steps of a stretch are an arithmetic progression. */
static int64_t noisy_token_ps(struct attention_price attention, struct step_noise noise)
{
    return nearest_whole((double)attention.token_ps * noise.gpu);
}

int64_t step_cost_rise_ps(const struct batch_summary *summary, struct attention_price attention,
                          struct step_noise noise)
{
    return ps_times(noisy_token_ps(attention, noise), summary->decode_requests);
}

struct step_price step_cost_price(const struct step_cost *cost, const struct batch_summary *summary,
                                  struct attention_price attention, struct step_noise noise)
{
    assert(summary->cuda_graph <= CUDA_GRAPH_NONE);
    assert(noise.gpu >= 0 && noise.launch >= 0);
    double constant = 0;
    if (summary->prefill_requests == 0) {
        constant = cost_curve_at(&cost->decode, summary->padded_tokens);
    } else {
        constant = cost_curve_at(&cost->mixed, summary->padded_tokens) +
                   cost->mixed_attention_ps * idle_factor(&cost->attention, summary) *
                       ((double)summary->prefill_attention_pairs_x2 / 2);
    }
    double constant_ps =
        smaller_of((constant + (double)attention.constant_ps) * noise.gpu, MAX_STEP_PS);
    /* Launches of other steps were measured with requests in them. */
    double requests = summary->prefill_requests > 0 ? 0 : summary->decode_requests;
    double host_ps = (double)cost->host.launch_ps[summary->cuda_graph] +
                     (double)cost->host.request_ps * requests;
    double launch_ps = smaller_of(host_ps * noise.launch, MAX_STEP_PS);
    int64_t contexts_ps =
        ps_times(noisy_token_ps(attention, noise), (int64_t)summary->decode_context_tokens);
    int64_t gpu_ps = ps_plus(nearest_whole(constant_ps), contexts_ps);
    return (struct step_price){
        .gpu_ps = ps_min(ps_max(1, gpu_ps), (int64_t)MAX_STEP_PS),
        .launch_ps = nearest_whole(launch_ps),
    };
}

void step_cost_note_measured(struct step_cost *cost, double context_tokens)
{
    assert(cost->decode.count > 0 && cost->mixed.count > 0);
    cost->measured =
        (struct cost_range){.decode_requests = cost->decode.tokens[cost->decode.count - 1],
                            .mixed_tokens = cost->mixed.tokens[cost->mixed.count - 1],
                            .context_tokens = context_tokens};
}

bool step_cost_is_extrapolated(const struct step_cost *cost, const struct batch_summary *summary)
{
    const struct cost_range *measured = &cost->measured;
    double largest =
        summary->prefill_requests == 0 ? measured->decode_requests : measured->mixed_tokens;
    return summary->padded_tokens > largest ||
           (double)summary->decode_context_tokens > measured->context_tokens;
}

struct step_cost step_cost_constant(int64_t step_ps)
{
    struct step_cost cost = {.identity = {.source = "constant", .tensor_parallel = 1}};
    cost.decode = (struct cost_curve){.count = 1, .tokens = {1}, .cost_ps = {(double)step_ps}};
    cost.mixed = cost.decode;
    cost.attention = (struct attention_shape){.kv_heads = 1, .multiprocessors = 1};
    step_cost_note_measured(&cost, INFINITY);
    return cost;
}
