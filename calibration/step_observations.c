#include "calibration/step_observations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "sim/engines/vllm_graphs.h"

/* A scheduling pass this much later than the output it waits for was held up by a launch. */
#define LAUNCH_MARGIN_S 0.0005
/* A step that ends this long after its launch returned was not waiting for it. */
#define GPU_MARGIN_S 0.003

/* Chunks of one step: at most the first continues a prompt, those between are whole, and the last
 * may be cut. */
static uint64_t attention_pairs_x2(const struct measured_step *step, uint32_t prompt_tokens)
{
    uint64_t pairs = 0;
    uint64_t context = step->prefill_context_tokens;
    uint64_t left = step->prefill_tokens;
    for (uint32_t i = 0; i < step->prefill_requests && left > 0; i++) {
        uint64_t whole = prompt_tokens > context ? prompt_tokens - context : left;
        uint64_t tokens = i + 1 == step->prefill_requests || whole > left ? left : whole;
        pairs += tokens * (2 * context + tokens);
        left -= tokens;
        context = 0;
    }
    return pairs;
}

struct batch_summary step_observations_summarize(const struct measured_run *run,
                                                 const struct measured_job *job,
                                                 const struct measured_step *step)
{
    uint32_t prompt = job->sweep_prompt_tokens;
    if (prompt == 0 && step->prefill_requests > 0) {
        prompt = (step->prefill_tokens + step->prefill_context_tokens) / step->prefill_requests;
    }
    struct batch_summary summary = {
        .decode_requests = step->decode_requests,
        .draft_tokens = step->draft_tokens,
        .prefill_requests = step->prefill_requests,
        .prefill_tokens = step->prefill_tokens,
        .decode_context_tokens = step->decode_context_tokens,
        .prefill_context_tokens = step->prefill_context_tokens,
        .prefill_attention_pairs_x2 = attention_pairs_x2(step, prompt),
    };
    if (step->decode_requests > 0) {
        summary.decode_context_squares =
            summary.decode_context_tokens * summary.decode_context_tokens / step->decode_requests;
    }
    batch_summary_choose_graph(&summary, run->engine.max_batch_requests,
                               run->engine.max_batch_tokens, run->engine.speculation.draft_tokens);
    return summary;
}

const char *const step_regime_names[STEP_REGIMES] = {"pure decode", "mixed, piecewise graph",
                                                     "mixed, no graph, up to 1024 tokens",
                                                     "above 1024 tokens"};

int step_regime(const struct batch_summary *summary)
{
    if (summary->prefill_requests == 0) {
        return 0;
    }
    if (summary->cuda_graph != CUDA_GRAPH_NONE) {
        return 1;
    }
    return summary->padded_tokens <= 1024 ? 2 : 3;
}

struct step_price step_observations_price(const struct step_cost *cost,
                                          const struct batch_summary *summary)
{
    return step_cost_price(cost, summary, step_cost_attention(cost, summary, NULL),
                           (struct step_noise){1, 1});
}

/* How much longer than its median a launch may take, by graph: those of large steps vary most. */
static double longest_launch_s(const struct step_cost *guess, const struct batch_summary *summary)
{
    static const double factors[] = {
        [CUDA_GRAPH_FULL] = 1.25, [CUDA_GRAPH_PIECEWISE] = 1.15, [CUDA_GRAPH_NONE] = 1.7};
    return guess->host.launch_blocks_loop
               ? factors[summary->cuda_graph] *
                     s_from_ps(guess->host.launch_ps[summary->cuda_graph])
               : 0;
}

/* The walk along one job. */
struct walk {
    struct step_observations *observations;
    const struct measured_run *run;
    const struct step_cost *guess;
    uint32_t last;         /* step of the job */
    double known_end_s;    /* an end that shows */
    double expected_end_s; /* of the newest step, by the guess */
    uint32_t span_first;   /* first step since the end that shows */
};

static double formed_s(const struct walk *walk, uint32_t step)
{
    return walk->run->steps[step].schedule_s;
}

static void restart_span(struct walk *walk, uint32_t next, double end_s)
{
    walk->known_end_s = end_s;
    walk->expected_end_s = end_s;
    walk->span_first = next;
}

static void emit_span(struct walk *walk, uint32_t step, double end_s)
{
    struct step_observations *observations = walk->observations;
    observations->spans[observations->span_count++] =
        (struct step_span){.first = walk->span_first,
                           .count = step + 1 - walk->span_first,
                           .gpu_s = end_s - walk->known_end_s};
    restart_span(walk, step + 1, end_s);
}

/* When step i ended: at the scheduling pass that took its output in, unless a launch held that up;
 * else from the end of the decode step behind it; NAN when neither shows. */
static double shown_end_s(const struct walk *walk, uint32_t step)
{
    const struct step_observations *observations = walk->observations;
    const struct batch_summary *summaries = observations->summaries;
    if (step + 2 > walk->last ||
        (walk->guess->host.launch_blocks_loop && observations->waits[step + 1])) {
        return NAN;
    }
    double shown_s = formed_s(walk, step + 2);
    if (shown_s - formed_s(walk, step + 1) > longest_launch_s(walk->guess, &summaries[step + 1])) {
        return shown_s;
    }
    bool decodes_follow = step + 3 <= walk->last && summaries[step + 1].prefill_requests == 0 &&
                          summaries[step + 2].prefill_requests == 0;
    struct step_price price = step_observations_price(walk->guess, &summaries[step + 1]);
    return decodes_follow ? formed_s(walk, step + 3) - s_from_ps(price.gpu_ps) : NAN;
}

/* Workers of their own launch while the loop goes on: a step that takes longer than its GPU time by
 * the guess shows their launch instead. */
static bool shows_worker_launch(struct walk *walk, uint32_t step, double gpu_s, double end_s)
{
    const struct step_cost *guess = walk->guess;
    const struct batch_summary *summary = &walk->observations->summaries[step];
    enum cuda_graph graph = summary->cuda_graph;
    bool first_of_job = walk->known_end_s == formed_s(walk, step);
    double launch_s = s_from_ps(guess->host.launch_ps[summary->cuda_graph]);
    if (guess->host.launch_blocks_loop || graph == CUDA_GRAPH_FULL || isnan(end_s) ||
        !(first_of_job || gpu_s < launch_s)) {
        return false;
    }
    double took_s = end_s - fmax(walk->known_end_s, formed_s(walk, step));
    if (took_s > 1.15 * gpu_s) {
        walk->observations->launch_s[step] = took_s;
        restart_span(walk, step + 1, end_s);
        return true;
    }
    return false;
}

/* The launch of a step shows. Where the GPU had done its work by then, it is the launch of the
 * decode behind it that the next scheduling pass waits for. */
static void take_launch(struct walk *walk, uint32_t step, double end_s, double gpu_s)
{
    struct step_observations *observations = walk->observations;
    const struct step_cost *guess = walk->guess;
    double launched_s = formed_s(walk, step + 1);
    double from_s = formed_s(walk, step);
    if (observations->waits[step]) {
        double to_first_product_s = s_from_ps(guess->host.launch_ps[CUDA_GRAPH_FULL]);
        from_s = fmax(from_s, walk->expected_end_s - to_first_product_s);
    }
    bool decode_follows = observations->summaries[step + 1].cuda_graph == CUDA_GRAPH_FULL;
    observations->launch_s[step] = launched_s - from_s;
    if (isnan(end_s)) {
        double launch_bound_s =
            launched_s + (decode_follows ? s_from_ps(guess->host.launch_ps[CUDA_GRAPH_FULL]) : 0);
        double gpu_bound_s = fmax(from_s, walk->expected_end_s) + gpu_s;
        if (gpu_bound_s > launch_bound_s) {
            walk->expected_end_s = gpu_bound_s;
        } else {
            restart_span(walk, step + 1, launch_bound_s);
        }
    } else if (end_s > launched_s + GPU_MARGIN_S) {
        walk->expected_end_s += gpu_s;
        emit_span(walk, step, end_s);
    } else {
        if (decode_follows) {
            observations->launch_s[step + 1] = end_s - launched_s;
        }
        restart_span(walk, step + 1, end_s);
    }
}

static void take_step(struct walk *walk, uint32_t step)
{
    const struct step_cost *guess = walk->guess;
    double end_s = shown_end_s(walk, step);
    double gpu_s =
        s_from_ps(step_observations_price(guess, &walk->observations->summaries[step]).gpu_ps);
    if (guess->host.launch_blocks_loop &&
        formed_s(walk, step + 1) > walk->expected_end_s + LAUNCH_MARGIN_S) {
        take_launch(walk, step, end_s, gpu_s);
        return;
    }
    if (shows_worker_launch(walk, step, gpu_s, end_s)) {
        return;
    }
    walk->expected_end_s += gpu_s;
    if (!isnan(end_s)) {
        emit_span(walk, step, end_s);
    }
}

/* Launching a number of tokens for the first time waits for the GPU, in some weight formats. */
static void note_waits(struct step_observations *observations, const struct measured_run *run)
{
    struct launched_sizes sizes = {NULL, 0};
    for (uint32_t i = 0; i < run->step_count && run->engine.new_sizes_wait; i++) {
        const struct batch_summary *summary = &observations->summaries[i];
        observations->waits[i] = summary->cuda_graph == CUDA_GRAPH_NONE &&
                                 launched_sizes_add(&sizes, summary->padded_tokens);
    }
    launched_sizes_clear(&sizes);
}

/* A step runs from the scheduling pass after its own to the one after that. */
static void note_throttling(struct step_observations *observations, const struct measured_run *run)
{
    enum { LARGE_TOKENS = 512 };
    double heat = 0;
    for (uint32_t i = 0; i + 2 < run->step_count; i++) {
        double took_s = run->steps[i + 2].schedule_s - run->steps[i + 1].schedule_s;
        double cooled = exp(-took_s / HEAT_TIME_S);
        observations->heat[i] = heat;
        heat *= cooled;
        heat += observations->summaries[i].prefill_tokens > LARGE_TOKENS ? 1 - cooled : 0;
    }
}

static void walk_job(struct step_observations *observations, const struct measured_run *run,
                     const struct measured_job *job, const struct step_cost *guess)
{
    if (job->step_count < 3) {
        return;
    }
    struct walk walk = {.observations = observations,
                        .run = run,
                        .guess = guess,
                        .last = job->first_step + job->step_count - 1};
    restart_span(&walk, job->first_step, formed_s(&walk, job->first_step));
    for (uint32_t step = job->first_step; step < walk.last; step++) {
        take_step(&walk, step);
    }
}

void step_observations_init(struct step_observations *observations, const struct measured_run *run,
                            const struct step_cost *guess)
{
    memset(observations, 0, sizeof *observations);
    uint32_t count = run->step_count;
    observations->step_count = count;
    observations->summaries = memory_zeroed(count, sizeof observations->summaries[0]);
    observations->waits = memory_zeroed(count, sizeof observations->waits[0]);
    observations->launch_s = memory_zeroed(count, sizeof observations->launch_s[0]);
    observations->heat = memory_zeroed(count, sizeof observations->heat[0]);
    observations->spans = memory_zeroed(count, sizeof observations->spans[0]);
    for (uint32_t i = 0; i < count; i++) {
        observations->launch_s[i] = NAN;
    }
    for (uint32_t j = 0; j < run->job_count; j++) {
        const struct measured_job *job = &run->jobs[j];
        for (uint32_t i = job->first_step; i < job->first_step + job->step_count; i++) {
            observations->summaries[i] = step_observations_summarize(run, job, &run->steps[i]);
        }
    }
    note_waits(observations, run);
    for (uint32_t j = 0; j < run->job_count; j++) {
        if (run->jobs[j].is_sweep) {
            walk_job(observations, run, &run->jobs[j], guess);
        }
    }
    note_throttling(observations, run);
}

void step_observations_clear(struct step_observations *observations)
{
    free(observations->summaries);
    free(observations->waits);
    free(observations->launch_s);
    free(observations->heat);
    free(observations->spans);
    memset(observations, 0, sizeof *observations);
}
