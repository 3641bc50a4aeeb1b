#include "sim/serving/step_pricing.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/serving/instance.h"

static uint64_t key_of(uint64_t seed, const char *name, uint32_t number)
{
    uint64_t key = random_key(seed, name);
    return number == 0 ? key : random_bits_at(key, number);
}

void step_pricing_draw_noise(struct step_pricing *pricing, uint64_t seed, uint32_t number)
{
    pricing->noise = (struct pricing_noise){
        .is_drawn = true,
        .common_key = random_key(seed, "noise of all steps"),
        .gpu_key = key_of(seed, "noise of stretches", number),
        .launch_key = key_of(seed, "noise of launches", number),
        .idle_start_key = key_of(seed, "noise of wakes", number),
    };
}

static struct step_noise draw_noise(struct pricing_noise *noise, const struct step_cost *cost)
{
    uint64_t number = noise->attention_prices++;
    if (!noise->is_drawn) {
        return (struct step_noise){1, 1};
    }
    double common = cost->uncertainty * random_normal_at(noise->common_key, 0);
    double gpu = cost->spread.step * random_normal_at(noise->gpu_key, number);
    double launch = cost->spread.launch * random_normal_at(noise->launch_key, number);
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
static void hold_attention(struct instance *instance, const struct batch_summary *summary)
{
    struct step_pricing *pricing = &instance->pricing;
    struct held_attention *held = &pricing->attention;
    bool mixed = summary->prefill_requests > 0;
    if (mixed || held->steps == 0 || held->requests != summary->decode_requests) {
        held->price = step_cost_attention(instance->config->cost, summary, &pricing->memo);
        held->noise = draw_noise(&pricing->noise, instance->config->cost);
        held->requests = summary->decode_requests;
        held->steps = mixed ? 1 : attention_hold_steps(summary);
    }
    held->steps--;
}

/* A draft model decodes for all requests once for each token it drafts, before they are verified.
 */
static int64_t draft_ps(const struct step_cost *cost, const struct batch_summary *summary)
{
    if (cost == NULL || summary->draft_tokens == 0) {
        return 0;
    }
    double decodes = (double)summary->draft_tokens / summary->decode_requests;
    return nearest_whole(decodes * cost_curve_at(&cost->decode, summary->decode_requests));
}

struct step_price step_pricing_step(const struct instance *instance,
                                    const struct batch_summary *summary)
{
    const struct held_attention *held = &instance->pricing.attention;
    struct step_price price =
        step_cost_price(instance->config->cost, summary, held->price, held->noise);
    price.gpu_ps += draft_ps(instance->config->draft_cost, summary);
    price.gpu_ps += summary->swapped_blocks * instance->config->engine.swap.block_ps;
    return price;
}

int64_t step_pricing_host_ps(const struct instance *instance, const struct batch *batch)
{
    const struct engine_settings *settings = &instance->config->engine;
    if (instance_steps_limit(instance) > 1) {
        return 0;
    }
    uint32_t requests = batch->summary.decode_requests + batch->summary.prefill_requests;
    int64_t request_ps = instance->config->cost->host.sync_request_ps;
    int64_t total_ps = settings->host.loop_ps + request_ps * (int64_t)requests;
    total_ps += settings->host.draft_request_ps * (int64_t)batch->drafts.verifications;
    total_ps += settings->host.draft_token_ps * (int64_t)batch->drafts.context_tokens;
    return total_ps;
}

void step_pricing_price(struct instance *instance, struct batch *batch, int64_t now_ps)
{
    const struct step_cost *cost = instance->config->cost;
    struct step_clock *clock = &instance->pricing.clock;
    if (batch_is_empty(batch)) {
        batch->end_ps = ps_max(now_ps, clock->gpu_free_ps);
        return;
    }
    hold_attention(instance, &batch->summary);
    step_clock_launch(clock, cost, &batch->summary, step_pricing_step(instance, &batch->summary),
                      now_ps + step_pricing_host_ps(instance, batch));
    batch->end_ps = clock->gpu_free_ps;
}

int64_t step_pricing_output_ps(const struct instance *instance, uint64_t tokens)
{
    const struct host_cost *host = &instance->config->cost->host;
    return ps_plus(host->output_overhead_ps, ps_times(host->output_token_ps, (int64_t)tokens));
}

int64_t step_pricing_pass_on(struct instance *instance, uint64_t tokens, int64_t ready_ps)
{
    const struct host_cost *host = &instance->config->cost->host;
    int64_t *passed_on_ps = &instance->pricing.passed_on_ps;
    int64_t free_ps = ps_plus(*passed_on_ps, ps_times(host->output_token_ps, (int64_t)tokens));
    *passed_on_ps = ps_max(free_ps, ps_plus(ready_ps, step_pricing_output_ps(instance, tokens)));
    return *passed_on_ps;
}

int64_t step_pricing_idle_start_ps(struct instance *instance)
{
    const struct step_cost *cost = instance->config->cost;
    struct pricing_noise *noise = &instance->pricing.noise;
    if (!noise->is_drawn) {
        return cost->host.idle_start_ps;
    }
    double deviate = random_normal_at(noise->idle_start_key, noise->idle_starts++);
    return nearest_whole((double)cost->host.idle_start_ps * exp(cost->spread.idle_start * deviate));
}
