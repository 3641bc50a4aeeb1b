#include "calibration/step_fit.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/client_fit.h"
#include "calibration/robust_fit.h"
#include "calibration/step_observations.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/engines/vllm_graphs.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_catalog.h"
#include "sim/pricing/attention_schedule.h"
#include "sim/pricing/pricing_facts.h"

/* Every HOLD_OUTth span is kept out of the fit that measures the hold-out error. */
enum { HOLD_OUT = 5, ROUNDS = 4 };

/* Columns are scaled to about one; times are fitted in milliseconds. */
#define CONTEXT_SCALE 1e5
#define ATTENTION_SCALE 1e7
#define TOKEN_SCALE 1e3
#define TILE_SCALE 10
#define REQUEST_SCALE 32.0

/* Columns: decode base at each knot; a tile of decode attention; combining split contexts, and that
 * for each request; how much slower decodes are in the heat of large prefills (fitted so that it
 * does not bend the others, since sweeps decode for a few steps only; not priced); what a mixed
 * step costs at its first knot; how much steeper it gets at each; prefill attention; how much more
 * a token of decode context costs in a step without graph. With coefficients of at least zero a
 * mixed step rises ever faster with its tokens: from the floor of reading the weights to the slope
 * of computing. */
struct layout {
    struct cost_curve decode;
    bool decode_may_fall;
    bool small_steps_hide; /* small mixed steps wait for their launches */
    struct cost_curve mixed;
    struct attention_shape attention;
    struct attention_memo *memo;
    size_t tile;
    size_t split;
    size_t split_request;
    size_t heat;
    size_t mixed_base;
    size_t mixed_attention;
    size_t beside_prefill;
    size_t columns;
};

/* A step that takes about as long as the host needs for it tells nothing of the GPU: a decode that
 * is much longer than a small one, or any other step, shorter than two launches. */
static bool is_paced_by_host(const struct step_observations *observations,
                             const struct step_span *span, const struct step_cost *host)
{
    const double close = 0.75;
    const double longer = 1.5;
    const struct batch_summary *summary = &observations->summaries[span->first];
    double gpu_s = span->gpu_s / span->count;
    double host_s = s_from_ps(host->host.launch_ps[summary->cuda_graph]);
    double small_s = s_from_ps((int64_t)host->decode.cost_ps[0]);
    bool may_be = summary->prefill_requests > 0 ? gpu_s < 2 * host_s : gpu_s > longer * small_s;
    return may_be && host_s > close * gpu_s;
}

/* Pure decode: the captured sizes that were measured for more than a step in passing. */
static void place_decode_knots(struct cost_curve *knots,
                               const struct step_observations *observations,
                               const struct step_cost *host)
{
    enum { LARGEST = 1024, FEWEST = 4 };
    uint32_t seen[LARGEST + 1] = {0};
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        const struct batch_summary *summary = &observations->summaries[span->first];
        if (span->count == 1 && summary->prefill_requests == 0 &&
            summary->padded_tokens <= LARGEST && !is_paced_by_host(observations, span, host)) {
            seen[summary->padded_tokens]++;
        }
    }
    for (uint32_t size = 1; size <= LARGEST && knots->count < STEP_COST_MAX_KNOTS; size++) {
        if (seen[size] >= FEWEST) {
            knots->tokens[knots->count++] = size;
        }
    }
}

/* Mixed steps: where piecewise graphs run, and from there one slope to the largest measured. */
static void place_mixed_knots(struct cost_curve *knots,
                              const struct step_observations *observations)
{
    static const double grid[] = {8, 64, 128, 256};
    double largest = 512;
    for (uint32_t i = 0; i < observations->step_count; i++) {
        const struct batch_summary *summary = &observations->summaries[i];
        if (summary->prefill_requests > 0) {
            largest = fmax(largest, summary->padded_tokens);
        }
    }
    for (size_t i = 0; i < sizeof grid / sizeof grid[0]; i++) {
        knots->tokens[knots->count++] = grid[i];
    }
    knots->tokens[knots->count++] = largest;
}

static struct layout lay_out(const struct step_observations *observations,
                             const struct step_cost *host, const struct attention_shape *attention,
                             bool decode_may_fall, struct attention_memo *memo)
{
    struct layout layout = {
        .attention = *attention, .memo = memo, .decode_may_fall = decode_may_fall};
    place_decode_knots(&layout.decode, observations, host);
    place_mixed_knots(&layout.mixed, observations);
    layout.tile = layout.decode.count;
    layout.split = layout.tile + 1;
    layout.split_request = layout.split + 1;
    layout.heat = layout.split_request + 1;
    layout.mixed_base = layout.heat + 1;
    layout.mixed_attention = layout.mixed_base + layout.mixed.count;
    layout.beside_prefill = layout.mixed_attention + 1;
    layout.columns = layout.beside_prefill + 1;
    return layout;
}

/* What 'tokens' have of each rise from a knot to the next, and of the first knot. A curve that may
 * fall is made of rises that can be undone: each knot's weight instead. The last span goes on
 * beyond its end. */
static void add_rises(const struct cost_curve *knots, bool may_fall, double tokens, double *row)
{
    uint32_t right = 1;
    while (right + 1 < knots->count && tokens > knots->tokens[right]) {
        right++;
    }
    double span = knots->tokens[right] - knots->tokens[right - 1];
    double share = fmax(0, (tokens - knots->tokens[right - 1]) / span);
    if (may_fall) {
        row[right - 1] += 1 - share;
        row[right] += share;
        return;
    }
    for (uint32_t k = 0; k < right; k++) {
        row[k] += 1;
    }
    row[right] += share;
}

/* How far 'tokens' lie beyond each knot. */
static void add_slopes(const struct cost_curve *knots, double tokens, double *row)
{
    for (uint32_t k = 0; k + 1 < knots->count; k++) {
        row[k] += fmax(0, tokens - knots->tokens[k]) / TOKEN_SCALE;
    }
}

static void add_step(const struct layout *layout, const struct batch_summary *summary, double *row)
{
    if (summary->decode_requests > 0) {
        const struct attention_contexts contexts = {.requests = summary->decode_requests,
                                                    .tokens = summary->decode_context_tokens,
                                                    .squares = summary->decode_context_squares};
        struct attention_time time =
            attention_schedule_typical(&layout->attention, &contexts, layout->memo);
        row[layout->tile] += time.tiles / TILE_SCALE;
        if (time.is_split) {
            row[layout->split] += 1;
            row[layout->split_request] += summary->decode_requests / REQUEST_SCALE;
        }
    }
    if (summary->prefill_requests == 0) {
        add_rises(&layout->decode, layout->decode_may_fall, summary->padded_tokens, row);
        return;
    }
    row[layout->mixed_base] += 1;
    add_slopes(&layout->mixed, summary->padded_tokens, &row[layout->mixed_base + 1]);
    row[layout->beside_prefill] += step_cost_beside_share(summary) *
                                   ((double)summary->decode_context_tokens +
                                    summary->decode_requests * ATTENTION_TILE_TOKENS / 2.0) /
                                   CONTEXT_SCALE;
    row[layout->mixed_attention] +=
        (double)summary->prefill_attention_pairs_x2 / 2 / ATTENTION_SCALE;
}

static void store(const struct layout *layout, const double *coefficients, struct step_cost *cost)
{
    double ms = (double)PS_PER_MS;
    cost->decode = layout->decode;
    for (uint32_t k = 0; k < layout->decode.count; k++) {
        double before_ps = k > 0 && !layout->decode_may_fall ? cost->decode.cost_ps[k - 1] : 0;
        cost->decode.cost_ps[k] = before_ps + coefficients[k] * ms;
    }
    cost->mixed = layout->mixed;
    for (uint32_t k = 0; k < layout->mixed.count; k++) {
        double slopes[STEP_COST_MAX_KNOTS] = {0};
        add_slopes(&layout->mixed, layout->mixed.tokens[k], slopes);
        double sum = coefficients[layout->mixed_base];
        for (uint32_t i = 0; i + 1 < layout->mixed.count; i++) {
            sum += slopes[i] * coefficients[layout->mixed_base + 1 + i];
        }
        cost->mixed.cost_ps[k] = sum * ms;
    }
    cost->attention = layout->attention;
    cost->tile_ps = coefficients[layout->tile] / TILE_SCALE * ms;
    cost->split_ps = llround(coefficients[layout->split] * ms);
    cost->split_request_ps = llround(coefficients[layout->split_request] / REQUEST_SCALE * ms);
    cost->beside_prefill_ps = llround(coefficients[layout->beside_prefill] / CONTEXT_SCALE * ms);
    cost->mixed_attention_ps = coefficients[layout->mixed_attention] / ATTENTION_SCALE * ms;
}

/* Spans as rows of a least-squares problem. */
struct problem {
    double *rows;
    double *targets; /* milliseconds */
    size_t count;
    size_t columns;
};

static void problem_init(struct problem *problem, size_t most, size_t columns)
{
    *problem = (struct problem){.columns = columns};
    problem->rows = memory_zeroed(most * columns, sizeof problem->rows[0]);
    problem->targets = memory_zeroed(most, sizeof problem->targets[0]);
}

static void problem_clear(struct problem *problem)
{
    free(problem->rows);
    free(problem->targets);
}

static void fill_row(const struct layout *layout, const struct step_observations *observations,
                     const struct step_span *span, double *row)
{
    memset(row, 0, layout->columns * sizeof row[0]);
    for (uint32_t i = span->first; i < span->first + span->count; i++) {
        add_step(layout, &observations->summaries[i], row);
        if (observations->summaries[i].prefill_requests == 0) {
            row[layout->heat] += span->gpu_s * 1000 / span->count * observations->heat[i];
        }
    }
}

static bool only_decodes(const struct step_observations *observations, const struct step_span *span)
{
    for (uint32_t i = span->first; i < span->first + span->count; i++) {
        if (observations->summaries[i].prefill_requests > 0) {
            return false;
        }
    }
    return true;
}

/* The spans of decodes alone by the columns before 'mixed_base', or the others by those from it on,
 * once what their decodes take is subtracted by 'coefficients'. */
static void gather(const struct layout *layout, const struct step_observations *observations,
                   const struct step_cost *host, bool decodes, bool without_held_out,
                   const double *coefficients, struct problem *problem)
{
    size_t first = decodes ? 0 : layout->mixed_base;
    double *row = memory_zeroed(layout->columns, sizeof row[0]);
    problem_init(problem, observations->span_count,
                 decodes ? layout->mixed_base : layout->columns - layout->mixed_base);
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        if ((without_held_out && s % HOLD_OUT == 0) || span->gpu_s <= 0 ||
            only_decodes(observations, span) != decodes ||
            ((decodes || layout->small_steps_hide) && is_paced_by_host(observations, span, host))) {
            continue;
        }
        fill_row(layout, observations, span, row);
        double target = span->gpu_s * 1000;
        for (size_t j = 0; j < first; j++) {
            target -= row[j] * coefficients[j];
        }
        if (target > 0) {
            memcpy(&problem->rows[problem->count * problem->columns], &row[first],
                   problem->columns * sizeof row[0]);
            problem->targets[problem->count++] = target;
        }
    }
    free(row);
}

/* Under larger limits than this, sweeps start with so many tokens that small mixed steps are few
 * and wait for their launches. */
enum { LARGEST_SHOWN_TOKENS = 2048 };

/* Where launches hid the GPU's time of small mixed steps, they are taken to be 6 % longer than
 * decodes of as many tokens (4 to 9 % where both show), and never below the slope of large ones. */
static void fill_small_steps(const struct step_observations *observations, struct step_cost *cost)
{
    enum { MIN_SPANS = 10, SMALL_TOKENS = 512 };
    const double longer = 1.06;
    struct cost_curve *mixed = &cost->mixed;
    uint32_t last = mixed->count - 1;
    uint32_t shown = 0;
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        const struct batch_summary *summary = &observations->summaries[span->first];
        shown += summary->prefill_requests > 0 && summary->padded_tokens <= SMALL_TOKENS &&
                 !is_paced_by_host(observations, span, cost);
    }
    double slope_ps = mixed->cost_ps[last] / mixed->tokens[last];
    double last_decode = cost->decode.tokens[cost->decode.count - 1];
    for (uint32_t k = 0; k < last && shown < MIN_SPANS; k++) {
        double decode_ps = cost_curve_at(&cost->decode, fmin(mixed->tokens[k], last_decode));
        mixed->cost_ps[k] = fmax(longer * decode_ps, slope_ps * mixed->tokens[k]);
    }
}

#define MAX_ERROR 0.05

/* Relative to the target, a spoilt span counted as MAX_ERROR at most. */
static double mean_error_pct(const struct problem *problem, const double *coefficients)
{
    double sum = 0;
    for (size_t i = 0; i < problem->count; i++) {
        double fitted = 0;
        for (size_t j = 0; j < problem->columns; j++) {
            fitted += problem->rows[i * problem->columns + j] * coefficients[j];
        }
        sum += fmin(MAX_ERROR, fabs(fitted / problem->targets[i] - 1));
    }
    return 100 * sum / (double)problem->count;
}

/* Decodes first, by themselves: the large steps of a sweep, of which there are as many, would bend
 * them by what their own model lacks. */
static bool fit_spans(const struct step_observations *observations,
                      const struct attention_shape *attention, bool without_held_out,
                      struct step_cost *cost, struct fit_report *ret_report, struct error *error)
{
    struct attention_memo memo = {0};
    /* CUTLASS's FP8 products take longer at 17 to 47 tokens than at 64, measured in every run. */
    bool may_fall = text_equal(cost->identity.weights, "fp8");
    struct layout layout = lay_out(observations, cost, attention, may_fall, &memo);
    layout.small_steps_hide = cost->identity.max_batch_tokens > LARGEST_SHOWN_TOKENS;
    double *coefficients = memory_zeroed(layout.columns, sizeof coefficients[0]);
    bool ok = layout.decode.count >= 2;
    size_t count = 0;
    for (int part = 0; part < 2 && ok; part++) {
        struct problem problem;
        double *found = &coefficients[part == 0 ? 0 : layout.mixed_base];
        gather(&layout, observations, cost, part == 0, without_held_out, coefficients, &problem);
        ok = problem.count >= 2 * problem.columns;
        count += problem.count;
        if (ok) {
            robust_fit(problem.rows, problem.targets, problem.count, problem.columns, found);
        }
        if (ok && part == 0) {
            ret_report->throttling_pct = 100 * coefficients[layout.heat];
            ret_report->with_throttling_pct = mean_error_pct(&problem, coefficients);
        }
        problem_clear(&problem);
    }
    if (ok) {
        store(&layout, coefficients, cost);
        if (layout.small_steps_hide) {
            fill_small_steps(observations, cost);
        }
    } else {
        error_set(error, "too few measured steps in sweep jobs to fit: %zu, expected at least %zu",
                  count, 2 * layout.columns);
    }
    free(coefficients);
    attention_memo_clear(&memo);
    return ok;
}

enum { MIN_FIRST_LAUNCHES = 4 };

/* Launches of one kind of graph by steps that start a job: nothing is in flight, so that the next
 * scheduling pass begins when the launch returns. Those amid a job show a launch only where it held
 * something up, the longest ones therefore. Returns how many there are. */
static size_t first_launches(const struct measured_run *run,
                             const struct step_observations *observations, enum cuda_graph graph,
                             double *values)
{
    size_t count = 0;
    for (uint32_t j = 0; j < run->job_count && run->engine.tensor_parallel == 1; j++) {
        const struct measured_job *job = &run->jobs[j];
        const struct measured_step *first = &run->steps[job->first_step];
        if (job->is_sweep && job->step_count >= 2 &&
            observations->summaries[job->first_step].cuda_graph == graph) {
            values[count++] = first[1].schedule_s - first[0].schedule_s;
        }
    }
    return count;
}

static size_t shown_launches(const struct step_observations *observations, enum cuda_graph graph,
                             double *values)
{
    size_t count = 0;
    for (uint32_t i = 0; i < observations->step_count; i++) {
        if (observations->summaries[i].cuda_graph == graph && !isnan(observations->launch_s[i])) {
            values[count++] = observations->launch_s[i];
        }
    }
    return count;
}

/* Median launch time by graph: of first steps where there are enough, else of all that show. */
static void fit_launches(const struct measured_run *run,
                         const struct step_observations *observations, struct step_cost *cost)
{
    double *values = memory_zeroed(run->job_count + observations->step_count, sizeof values[0]);
    for (int graph = 0; graph < 3; graph++) {
        size_t count = first_launches(run, observations, graph, values);
        if (count < MIN_FIRST_LAUNCHES) {
            count = shown_launches(observations, graph, values);
        }
        if (count > 0) {
            cost->host.launch_ps[graph] = ps_max(0, ps_from_s(robust_median(values, count)));
        }
    }
    free(values);
}

/* A first model: a decode costs the median of the run's shortest gaps, a token of prefill what the
 * largest chunks show. Launches of full graphs, which do not show where workers launch, take
 * what they do in the six runs on one GPU (1.7 to 2.7 ms, for 28 layers as for 48). */
static void guess(const struct measured_run *run, struct step_cost *cost)
{
    double *gaps = memory_zeroed(run->step_count, sizeof gaps[0]);
    double *large = memory_zeroed(run->step_count, sizeof large[0]);
    size_t gap_count = 0;
    size_t large_count = 0;
    for (uint32_t j = 0; j < run->job_count; j++) {
        const struct measured_job *job = &run->jobs[j];
        for (uint32_t i = job->first_step;
             job->is_sweep && i + 2 < job->first_step + job->step_count; i++) {
            const struct measured_step *step = &run->steps[i];
            double gap = step[2].schedule_s - step[1].schedule_s;
            if (step->prefill_requests == 0 && step[1].prefill_requests == 0) {
                gaps[gap_count++] = gap;
            } else if (step->prefill_tokens > run->engine.max_batch_tokens * 3 / 4 &&
                       step[1].prefill_tokens > run->engine.max_batch_tokens * 3 / 4) {
                large[large_count++] = gap / step->prefill_tokens;
            }
        }
    }
    double decode_ps = gap_count > 0 ? robust_median(gaps, gap_count) * (double)PS_PER_S : 1;
    double token_ps = large_count > 0 ? robust_median(large, large_count) * (double)PS_PER_S : 0;
    cost->decode = (struct cost_curve){.count = 1, .tokens = {1}, .cost_ps = {decode_ps}};
    cost->tile_ps = 0;
    cost->mixed = (struct cost_curve){
        .count = 3,
        .tokens = {1, 256, 2048},
        .cost_ps = {decode_ps, fmax(decode_ps, 256 * token_ps), fmax(decode_ps, 2048 * token_ps)}};
    cost->host.launch_blocks_loop = run->engine.tensor_parallel == 1;
    cost->host.launch_ps[CUDA_GRAPH_FULL] = 2 * PS_PER_MS;
    cost->host.launch_ps[CUDA_GRAPH_PIECEWISE] = (int64_t)decode_ps;
    cost->host.launch_ps[CUDA_GRAPH_NONE] = (int64_t)(2 * decode_ps);
    free(large);
    free(gaps);
}

static double span_error_pct(const struct step_observations *observations,
                             const struct step_span *span, const struct step_cost *cost)
{
    double predicted = 0;
    for (uint32_t i = span->first; i < span->first + span->count; i++) {
        predicted += s_from_ps(step_observations_price(cost, &observations->summaries[i]).gpu_ps);
    }
    return 100 * fabs(predicted / span->gpu_s - 1);
}

/* Errors of spans by the regime of their first step. */
static void report(const struct step_observations *observations, const struct step_cost *cost,
                   const struct step_cost *without_held_out, struct fit_report *ret_report)
{
    double *all = memory_zeroed(observations->span_count, sizeof all[0]);
    double *held = memory_zeroed(observations->span_count, sizeof held[0]);
    for (int regime = 0; regime < STEP_REGIMES; regime++) {
        size_t count = 0;
        size_t held_count = 0;
        for (uint32_t s = 0; s < observations->span_count; s++) {
            const struct step_span *span = &observations->spans[s];
            if (span->gpu_s <= 0 || step_regime(&observations->summaries[span->first]) != regime) {
                continue;
            }
            all[count++] = span_error_pct(observations, span, cost);
            if (s % HOLD_OUT == 0) {
                held[held_count++] = span_error_pct(observations, span, without_held_out);
            }
        }
        struct fit_error *found = &ret_report->errors[regime];
        *found = (struct fit_error){.regime = step_regime_names[regime], .spans = (uint32_t)count};
        found->median_pct = robust_median(all, count);
        found->p95_pct = count > 0 ? gsl_stats_quantile_from_sorted_data(all, 1, count, 0.95) : NAN;
        found->held_out_median_pct = robust_median(held, held_count);
    }
    free(held);
    free(all);
}

static void identify(const struct measured_run *run, struct step_cost *cost)
{
    struct step_cost_identity *identity = &cost->identity;
    const struct measured_engine *engine = &run->engine;
    measured_run_identify(run, identity);
    snprintf(identity->source, sizeof identity->source, "calibrated");
    snprintf(identity->engine, sizeof identity->engine, "%.30s-%.30s", engine->engine,
             engine->engine_version);
}

static double largest_context(const struct step_observations *observations)
{
    double largest = 0;
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        const struct batch_summary *summary = &observations->summaries[span->first];
        if (summary->prefill_requests == 0) {
            largest = fmax(largest, (double)summary->decode_context_tokens);
        }
    }
    return largest;
}

/* Robust relative deviations: of single decode steps from their prices, and of launches from the
 * median of their kind. */
static void fit_noise(const struct step_observations *observations, struct step_cost *cost)
{
    double *values = memory_zeroed(observations->step_count, sizeof values[0]);
    size_t count = 0;
    for (uint32_t s = 0; s < observations->span_count; s++) {
        const struct step_span *span = &observations->spans[s];
        if (span->gpu_s > 0 && step_regime(&observations->summaries[span->first]) == 0) {
            values[count++] = span_error_pct(observations, span, cost) / 100;
        }
    }
    cost->spread.step = robust_deviation(values, count);
    count = 0;
    for (uint32_t i = 0; i < observations->step_count; i++) {
        double launch_s = observations->launch_s[i];
        double median_s = s_from_ps(cost->host.launch_ps[observations->summaries[i].cuda_graph]);
        if (!isnan(launch_s) && median_s > 0) {
            values[count++] = launch_s / median_s - 1;
        }
    }
    cost->spread.launch = robust_deviation(values, count);
    free(values);
}

/* A run and the shape of attention on one of its GPUs. */
struct sweeps {
    const struct measured_run *run;
    struct attention_shape attention;
    int64_t request_ps; /* of the host, which sweeps do not show apart from the GPU */
};

/* Decodes beyond the largest graph are launched kernel by kernel. What the host can explain, as
 * slow as one was seen to be, says nothing of the GPU: the curve then ends with the largest graph.
 */
static void drop_hidden_knots(const struct sweeps *sweeps, struct step_cost *cost)
{
    const double slowest = 1.65;
    struct cost_curve *decode = &cost->decode;
    bool is_hidden = true;
    while (is_hidden && decode->count > 1) {
        struct batch_summary last = {.decode_requests =
                                         (uint32_t)decode->tokens[decode->count - 1]};
        batch_summary_choose_graph(&last, sweeps->run->engine.max_batch_requests,
                                   sweeps->run->engine.max_batch_tokens, 0);
        double host_ps = (double)cost->host.launch_ps[CUDA_GRAPH_NONE] +
                         last.decode_requests * (double)sweeps->request_ps;
        is_hidden = last.cuda_graph == CUDA_GRAPH_NONE &&
                    decode->cost_ps[decode->count - 1] < slowest * host_ps;
        decode->count -= is_hidden;
    }
}

/* Which ends show depends on the model and the model on which ends show: a few rounds settle it. */
static bool fit(const struct sweeps *sweeps, bool without_held_out, struct step_cost *cost,
                struct step_observations *observations, struct fit_report *ret_report,
                struct error *error)
{
    memset(cost, 0, sizeof *cost);
    identify(sweeps->run, cost);
    client_fit(sweeps->run, cost);
    guess(sweeps->run, cost);
    for (int round = 0; round < ROUNDS; round++) {
        step_observations_clear(observations);
        step_observations_init(observations, sweeps->run, cost);
        if (!fit_spans(observations, &sweeps->attention, without_held_out, cost, ret_report,
                       error)) {
            return false;
        }
        fit_launches(sweeps->run, observations, cost);
    }
    drop_hidden_knots(sweeps, cost);
    step_cost_note_measured(cost, largest_context(observations));
    fit_noise(observations, cost);
    return true;
}

static bool find_facts(struct sweeps *sweeps, struct error *error)
{
    const struct pricing_facts *facts = NULL;
    struct step_cost known = {.host = {.request_ps = 0}};
    const struct measured_engine *engine = &sweeps->run->engine;
    struct model_shape model;
    struct gpu gpu;
    if (!model_shape_find(engine->model, &model, error) || !gpu_find(engine->gpu, &gpu, error) ||
        !pricing_facts_shipped(&facts, error)) {
        return false;
    }
    const struct launch_request launches = {.engine = "vllm-0.24",
                                            .layers = model.num_hidden_layers,
                                            .tensor_parallel = engine->tensor_parallel};
    pricing_facts_set_launches(facts, &launches, &known);
    sweeps->request_ps = known.host.request_ps;
    sweeps->attention.kv_heads = model_shape_kv_heads_per_gpu(&model, engine->tensor_parallel);
    sweeps->attention.multiprocessors = gpu.sm_count > 0 ? gpu.sm_count : 100;
    return true;
}

bool step_fit_run(const struct measured_run *run, struct step_cost *ret_cost,
                  struct fit_report *ret_report, struct error *error)
{
    struct sweeps sweeps = {.run = run};
    struct step_observations observations = {0};
    struct step_cost without_held_out;
    struct step_cost cost;
    if (run->engine.speculation.draft_tokens > 0) {
        return error_set(error,
                         "%s: its engine drafts and waits for each step, which the fit does not "
                         "take apart: calibrate on a run of the same engine without drafts",
                         run->path);
    }
    bool ok = find_facts(&sweeps, error) &&
              fit(&sweeps, true, &without_held_out, &observations, ret_report, error) &&
              fit(&sweeps, false, &cost, &observations, ret_report, error);
    if (ok) {
        report(&observations, &cost, &without_held_out, ret_report);
        *ret_cost = cost;
    } else {
        error_add_place(error, "%s", run->path);
    }
    step_observations_clear(&observations);
    return ok;
}
