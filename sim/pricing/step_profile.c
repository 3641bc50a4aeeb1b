#include "sim/pricing/step_profile.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/metrics/samples.h"

#define PS_OF_MS(ms) ((ms) * (double)PS_PER_MS)

const struct profile_step *step_profile_find(const struct step_profile *profile,
                                             const struct profile_step *like)
{
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == like->prompt_tokens &&
            step->prompt_context == like->prompt_context && step->requests == like->requests &&
            step->context == like->context && step->query_tokens == like->query_tokens) {
            return step;
        }
    }
    return NULL;
}

/* The median, at least 0; 0 of none. Clears the samples. */
static double take_median(struct samples *samples)
{
    double median = samples->count > 0 ? fmax(0, samples_quantile(samples, 0.5)) : 0;
    samples_clear(samples);
    return median;
}

/* Picoseconds a token of context: from each pair of contexts of one batch that are large enough for
 * the KV cache to be read at full rate. 0 when there is none. */
static double context_slope_ps(const struct step_profile *profile)
{
    enum { MIN_REQUESTS = 8, SHORT_CONTEXT = 512 };
    struct samples slopes;
    samples_init(&slopes);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *far = &profile->steps[i];
        const struct profile_step *near = step_profile_find(
            profile, &(struct profile_step){
                         .requests = far->requests, .context = SHORT_CONTEXT, .query_tokens = 1});
        if (far->prompt_tokens == 0 && far->query_tokens == 1 && near != NULL &&
            far->requests >= MIN_REQUESTS && far->context >= 4 * SHORT_CONTEXT) {
            double tokens = (double)far->requests * (far->context - SHORT_CONTEXT);
            samples_add(&slopes, PS_OF_MS(far->median_ms - near->median_ms) / tokens);
        }
    }
    return take_median(&slopes);
}

/* Picoseconds a query-key pair, from chunks over a context against the same without. */
static double pair_slope_ps(const struct step_profile *profile)
{
    enum { MIN_TOKENS = 1024 };
    struct samples slopes;
    samples_init(&slopes);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *with = &profile->steps[i];
        const struct profile_step *without =
            step_profile_find(profile, &(struct profile_step){.prompt_tokens = with->prompt_tokens,
                                                              .query_tokens = 1});
        if (with->requests == 0 && with->prompt_context > 0 && without != NULL &&
            with->prompt_tokens >= MIN_TOKENS) {
            double pairs = (double)with->prompt_tokens * with->prompt_context;
            samples_add(&slopes, PS_OF_MS(with->median_ms - without->median_ms) / pairs);
        }
    }
    return take_median(&slopes);
}

/* Puts a knot where it belongs. */
static void add_knot(struct cost_curve *curve, double tokens, double cost_ps)
{
    if (curve->count == STEP_COST_MAX_KNOTS) {
        return;
    }
    uint32_t at = curve->count++;
    for (; at > 0 && curve->tokens[at - 1] > tokens; at--) {
        curve->tokens[at] = curve->tokens[at - 1];
        curve->cost_ps[at] = curve->cost_ps[at - 1];
    }
    assert(at == 0 || curve->tokens[at - 1] <= tokens);
    curve->tokens[at] = tokens;
    curve->cost_ps[at] = fmax(0, cost_ps);
}

/* The nearest curve that does not fall: neighbours that do are averaged (Barlow et al., 1972). */
static void make_monotone(struct cost_curve *curve)
{
    double means[STEP_COST_MAX_KNOTS];
    uint32_t sizes[STEP_COST_MAX_KNOTS];
    uint32_t pools = 0;
    for (uint32_t i = 0; i < curve->count; i++) {
        means[pools] = curve->cost_ps[i];
        sizes[pools++] = 1;
        while (pools > 1 && means[pools - 2] > means[pools - 1]) {
            double sum = means[pools - 2] * sizes[pools - 2] + means[pools - 1] * sizes[pools - 1];
            sizes[pools - 2] += sizes[pools - 1];
            means[pools - 2] = sum / sizes[pools - 2];
            pools--;
        }
    }
    uint32_t knot = 0;
    for (uint32_t p = 0; p < pools; p++) {
        for (uint32_t i = 0; i < sizes[p]; i++) {
            curve->cost_ps[knot++] = means[p];
        }
    }
    assert(knot == curve->count);
}

static bool has_knot(const struct cost_curve *curve, double tokens)
{
    bool found = false;
    for (uint32_t i = 0; i < curve->count; i++) {
        found = found || !(curve->tokens[i] < tokens || curve->tokens[i] > tokens);
    }
    return found;
}

/* A verification of drafts runs as many rows as tokens: beyond the largest decode measured, those
 * of the shortest context say what so many rows cost; of equal rows, those of most requests. */
static void compose_verifications(const struct step_profile *profile, double slope_ps,
                                  struct cost_curve *decode)
{
    uint32_t shortest = UINT32_MAX;
    double measured = decode->count > 0 ? decode->tokens[decode->count - 1] : 0;
    assert(slope_ps >= 0);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == 0 && step->query_tokens > 1 && step->context < shortest) {
            shortest = step->context;
        }
    }
    for (uint32_t i = profile->step_count; i-- > 0;) {
        const struct profile_step *step = &profile->steps[i];
        uint32_t rows = step->requests * step->query_tokens;
        if (step->prompt_tokens == 0 && step->query_tokens > 1 && step->context == shortest &&
            rows > measured && !has_knot(decode, rows)) {
            double tokens = (double)step->requests * (shortest + ATTENTION_TILE_TOKENS / 2.0);
            add_knot(decode, rows, PS_OF_MS(step->median_ms) - slope_ps * tokens);
        }
    }
}

/* Decodes of the shortest context of each batch, less the attention to it. */
static void compose_decode(const struct step_profile *profile, double slope_ps,
                           struct step_cost *cost)
{
    uint32_t shortest = UINT32_MAX;
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == 0 && step->query_tokens == 1) {
            shortest = step->context < shortest ? step->context : shortest;
            cost->measured.context_tokens =
                fmax(cost->measured.context_tokens, (double)step->requests * step->context);
        }
    }
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == 0 && step->query_tokens == 1 && step->context == shortest) {
            double tokens = (double)step->requests * (shortest + ATTENTION_TILE_TOKENS / 2.0);
            add_knot(&cost->decode, step->requests, PS_OF_MS(step->median_ms) - slope_ps * tokens);
        }
    }
    compose_verifications(profile, slope_ps, &cost->decode);
    make_monotone(&cost->decode);
}

static void compose_prefill(const struct step_profile *profile, double pair_ps,
                            struct step_cost *cost)
{
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->requests == 0 && step->prompt_context == 0) {
            double pairs = (double)step->prompt_tokens * step->prompt_tokens / 2;
            add_knot(&cost->mixed, step->prompt_tokens,
                     PS_OF_MS(step->median_ms) - pair_ps * pairs);
        }
    }
    make_monotone(&cost->mixed);
}

/* Two knots in one place would leave the slope between them open. */
static bool knots_rise(const struct cost_curve *curve)
{
    for (uint32_t i = 1; i < curve->count; i++) {
        if (curve->tokens[i] <= curve->tokens[i - 1]) {
            return false;
        }
    }
    return true;
}

bool step_profile_compose(const struct step_profile *profile, const char *place,
                          struct step_cost *cost, struct error *error)
{
    assert(profile->tensor_parallel > 0 && profile->step_count <= STEP_PROFILE_MAX_ROWS);
    double slope_ps = context_slope_ps(profile);
    double pair_ps = pair_slope_ps(profile);
    *cost = (struct step_cost){
        .identity = {.source = "profiled", .tensor_parallel = profile->tensor_parallel}};
    const char *slash = strrchr(place, '/');
    const char *name = slash != NULL ? slash + 1 : place;
    const char *dot = strrchr(name, '.');
    snprintf(cost->identity.name, sizeof cost->identity.name, "%.*s",
             (int)(dot != NULL ? (size_t)(dot - name) : strlen(name)), name);
    snprintf(cost->identity.model, sizeof cost->identity.model, "%s", profile->model);
    snprintf(cost->identity.gpu, sizeof cost->identity.gpu, "%s", profile->gpu);
    snprintf(cost->identity.weights, sizeof cost->identity.weights, "%s", profile->weights);
    snprintf(cost->identity.kv_cache, sizeof cost->identity.kv_cache, "%s", profile->kv_cache);
    compose_decode(profile, slope_ps, cost);
    compose_prefill(profile, pair_ps, cost);
    if (slope_ps <= 0 || pair_ps <= 0 || cost->decode.count < 2 || cost->mixed.count < 2) {
        return error_set(error,
                         "%s: too few points to price steps by: measure the full grid "
                         "(the same kvcast-profile command resumes)",
                         place);
    }
    if (!knots_rise(&cost->decode) || !knots_rise(&cost->mixed)) {
        return error_set(
            error, "%s: 'steps' must measure each step once, found two rows of one step", place);
    }
    step_cost_note_measured(cost, cost->measured.context_tokens);
    cost->attention = (struct attention_shape){.kv_heads = profile->shape.kv_heads,
                                               .query_heads = profile->shape.heads,
                                               .multiprocessors = profile->multiprocessors};
    cost->tile_ps =
        slope_ps * ATTENTION_TILE_TOKENS * profile->multiprocessors / profile->shape.kv_heads;
    assert(cost->tile_ps > 0 && cost->measured.context_tokens > 0);
    cost->mixed_attention_ps = pair_ps;
    cost->attention_is_even = true;
    return true;
}

static void add_to_curve(struct cost_curve *curve, double constant_ps)
{
    for (uint32_t i = 0; i < curve->count; i++) {
        curve->cost_ps[i] += constant_ps;
    }
}

void step_cost_add_constant(struct step_cost *cost, double constant_ps)
{
    assert(constant_ps >= 0);
    add_to_curve(&cost->decode, constant_ps);
    add_to_curve(&cost->mixed, constant_ps);
}

void step_cost_take_host(struct step_cost *cost, const struct step_cost *host)
{
    memcpy(cost->identity.engine, host->identity.engine, sizeof cost->identity.engine);
    memcpy(cost->host.launch_ps, host->host.launch_ps, sizeof cost->host.launch_ps);
    cost->host.launch_tail_ps = host->host.launch_tail_ps;
    cost->host.launch_blocks_loop = host->host.launch_blocks_loop;
    cost->host.request_overhead_ps = host->host.request_overhead_ps;
    cost->host.idle_start_ps = host->host.idle_start_ps;
    cost->host.output_overhead_ps = host->host.output_overhead_ps;
    cost->host.request_ps = host->host.request_ps;
    cost->host.output_token_ps = host->host.output_token_ps;
    cost->spread.step = host->spread.step;
    cost->spread.launch = host->spread.launch;
    cost->spread.idle_start = host->spread.idle_start;
}
