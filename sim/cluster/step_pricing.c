#include <math.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/cluster/simulation_state.h"

/* Numbers by the count of stretches, so that taking a stretch at once draws the same. */
static struct step_noise draw_noise(struct simulation *simulation)
{
    const struct step_cost *cost = simulation->instance->config->cost;
    uint64_t number = simulation->stretches++;
    if (!simulation->settings.noise) {
        return (struct step_noise){1, 1};
    }
    double common = cost->uncertainty * random_normal_at(simulation->common_noise_key, 0);
    double gpu = cost->spread.step * random_normal_at(simulation->gpu_noise_key, number);
    double launch = cost->spread.launch * random_normal_at(simulation->launch_noise_key, number);
    return (struct step_noise){.gpu = exp(common + gpu), .launch = exp(launch)};
}

/* How long a price of attention is held: until contexts have grown by a few per cent. */
static uint32_t attention_hold_steps(const struct batch_summary *summary)
{
    enum { MIN_STEPS = 64, MAX_STEPS = 1 << 19, CONTEXT_SHARE = 32 };
    uint64_t requests = summary->decode_requests > 0 ? summary->decode_requests : 1;
    uint64_t steps = summary->decode_context_tokens / requests / CONTEXT_SHARE;
    steps = steps < MAX_STEPS ? steps : MAX_STEPS;
    return steps > MIN_STEPS ? (uint32_t)steps : MIN_STEPS;
}

/* Whatever else changes the batch takes a mixed step or another number of requests. */
static const struct attention_stretch *attention_stretch(struct simulation *simulation,
                                                         const struct batch_summary *summary)
{
    struct attention_stretch *stretch = &simulation->instance->attention;
    bool mixed = summary->prefill_requests > 0;
    if (mixed || stretch->steps == 0 || stretch->requests != summary->decode_requests) {
        stretch->price = step_cost_attention(simulation->instance->config->cost, summary,
                                             &simulation->instance->attention_memo);
        stretch->noise = draw_noise(simulation);
        stretch->requests = summary->decode_requests;
        stretch->steps = mixed ? 1 : attention_hold_steps(summary);
    }
    stretch->steps--;
    return stretch;
}

/* A draft model decodes for all requests once for each token it drafts, before they are verified.
 */
static int64_t draft_ps(const struct simulation *simulation, const struct batch_summary *summary)
{
    const struct step_cost *cost = simulation->instance->config->draft_cost;
    if (cost == NULL || summary->draft_tokens == 0) {
        return 0;
    }
    double decodes = (double)summary->draft_tokens / summary->decode_requests;
    return nearest_whole(decodes * cost_curve_at(&cost->decode, summary->decode_requests));
}

int64_t simulation_host_ps(const struct simulation *simulation, const struct batch *batch)
{
    const struct engine_settings *settings = &simulation->instance->config->engine;
    if (instance_steps_limit(simulation->instance) > 1) {
        return 0;
    }
    int64_t total_ps = settings->host.loop_ps;
    total_ps += settings->host.draft_request_ps * (int64_t)batch->drafts.verifications;
    total_ps += settings->host.draft_token_ps * (int64_t)batch->drafts.context_tokens;
    return total_ps;
}

void simulation_price_batch(struct simulation *simulation, struct batch *batch)
{
    struct instance *instance = simulation->instance;
    const struct step_cost *cost = simulation->instance->config->cost;
    int64_t now = simulation->now_ps;
    if (batch_is_empty(batch)) {
        batch->end_ps = ps_max(now, instance->clock.gpu_free_ps);
        return;
    }
    const struct attention_stretch *stretch = attention_stretch(simulation, &batch->summary);
    struct step_price price =
        step_cost_price(cost, &batch->summary, stretch->price, stretch->noise);
    price.gpu_ps += draft_ps(simulation, &batch->summary);
    price.gpu_ps += batch->summary.swapped_blocks * instance->config->engine.swap.block_ps;
    step_clock_launch(&instance->clock, cost, &batch->summary, price,
                      now + simulation_host_ps(simulation, batch));
    batch->end_ps = instance->clock.gpu_free_ps;
}
