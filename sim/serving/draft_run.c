#include "sim/serving/draft_run.h"

#include <assert.h>

#include "sim/base/units.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/draft_plan.h"
#include "sim/serving/instance.h"
#include "sim/serving/step_pricing.h"

/* How long a step takes, as straight lines in the context of all members. */
struct step_line {
    int64_t host_ps;  /* before its launch */
    int64_t gpu_ps;   /* both without any context */
    int64_t token_ps; /* of the GPU, for each token of context */
    int64_t launch_ps;
    int64_t tail_ps;
    bool launches_first; /* the GPU starts when all is launched */
};

/* False where the straight lines do not hold. */
static bool step_line_init(struct step_line *line, const struct instance *instance)
{
    const struct engine_settings *settings = &instance->config->engine;
    const struct step_cost *cost = instance->config->cost;
    const struct held_attention *held = &instance->pricing.attention;
    struct batch_summary summary = instance_step((struct instance *)instance, 0)->summary;
    struct batch_summary one = {.decode_requests = 1};
    struct step_price price = step_pricing_step(instance, &summary);
    int64_t context = (int64_t)summary.decode_context_tokens;
    line->token_ps = step_cost_rise_ps(&one, held->price, held->noise);
    line->gpu_ps = price.gpu_ps - line->token_ps * context;
    line->host_ps = settings->host.loop_ps + (settings->host.draft_request_ps +
                                              instance->config->cost->host.sync_request_ps) *
                                                 summary.decode_requests;
    line->launch_ps = price.launch_ps;
    line->tail_ps = cost->host.launch_tail_ps;
    line->launches_first = summary.cuda_graph == CUDA_GRAPH_FULL;
    return price.gpu_ps > 1 && line->tail_ps >= 0;
}

/* When the step scheduled at 'now_ps' ends. */
static int64_t end_of_step(const struct step_line *line, const struct engine_settings *settings,
                           int64_t now_ps, int64_t context)
{
    int64_t host_done_ps = now_ps + line->host_ps + settings->host.draft_token_ps * context;
    int64_t launched_ps = host_done_ps + line->launch_ps;
    int64_t started_ps = line->launches_first ? launched_ps : host_done_ps;
    int64_t gpu_ps = ps_max(1, line->gpu_ps + line->token_ps * context);
    return ps_max(started_ps + gpu_ps, launched_ps + line->tail_ps);
}

bool draft_run_plan(struct instance *instance, int64_t now_ps)
{
    struct decode_group *decode_group = &instance->decode_group;
    const struct step_clock *clock = &instance->pricing.clock;
    struct decode_run *run = &instance->loop.run;
    struct step_line line;
    uint32_t members = decode_group_count(decode_group);
    uint64_t most = decode_group->leaving.members[0].due - decode_group->taken;
    uint64_t held = instance->pricing.attention.steps;
    int64_t context = (int64_t)decode_group->context_tokens;
    uint64_t blocks = 0;
    uint64_t steps = 0;
    most = most < held ? most : held;
    if (most < 2 || clock->gpu_free_ps > now_ps || clock->launch_done_ps > now_ps ||
        !step_line_init(&line, instance)) {
        return false;
    }
    assert(decode_group->taken + most < decode_group->plan.end);
    run->ends_ps[0] = now_ps;
    for (; steps < most && run->ends_ps[steps] < ps_from_s(MAX_TIME_S); steps++) {
        const struct draft_step *step =
            draft_plan_step(&decode_group->plan, decode_group->taken + steps);
        context += members + step->accepted;
        blocks += step->blocks;
        if (blocks > instance->kv_cache.free_blocks) {
            break;
        }
        run->ends_ps[steps + 1] =
            end_of_step(&line, &instance->config->engine, run->ends_ps[steps], context);
    }
    run->steps = steps < 2 ? 0 : steps;
    run->verifies = steps >= 2;
    return run->verifies;
}

/* The output of the step in flight comes, and the next one is scheduled. */
static void make_step(struct instance *instance, int64_t now_ps, struct batch *next)
{
    const struct step_cost *cost = instance->config->cost;
    struct decode_group *decode_group = &instance->decode_group;
    struct step_record *record = instance->account.record;
    uint32_t members = decode_group_count(decode_group);
    instance->account.output_tokens += decode_group_tokens(decode_group);
    int64_t seen_ps = step_pricing_pass_on(instance, decode_group_tokens(decode_group), now_ps);
    int64_t gap_ps = decode_group_deliver(decode_group, instance, seen_ps);
    histogram_add(&record->itl, gap_ps, members);
    next->summary.decode_requests = 0;
    next->summary.draft_tokens = 0;
    next->summary.decode_context_tokens = 0;
    next->summary.decode_context_squares = 0;
    next->drafts = (struct draft_sums){0};
    decode_group_schedule(instance, next);
    record->counts.decode_steps++;
    record->counts.draft_tokens += next->summary.draft_tokens;
    record->counts.accepted_drafts += next->drafts.accepted;
    record->counts.verifications += members;
    record->counts.extrapolated_steps += step_cost_is_extrapolated(cost, &next->summary);
    timeline_set_usage(&record->timeline, instance->account.number, now_ps,
                       instance_usage(instance));
}

void draft_run_apply(struct instance *instance, uint64_t steps)
{
    const struct decode_run *run = &instance->loop.run;
    struct batch *batch = instance_step(instance, 0);
    struct step_clock *clock = &instance->pricing.clock;
    assert(instance->loop.steps_in_flight == 1 && batch->count == 0);
    for (uint64_t i = 0; i < steps; i++) {
        make_step(instance, run->ends_ps[i], batch);
    }
    batch->preempted_count = 0;
    batch->end_ps = run->ends_ps[steps];
    clock->gpu_free_ps = batch->end_ps;
    clock->launch_done_ps = run->ends_ps[steps - 1] + step_pricing_host_ps(instance, batch) +
                            step_pricing_step(instance, &batch->summary).launch_ps;
    instance->pricing.attention.steps -= (uint32_t)steps;
    instance->account.steps_since_token = 1;
    instance->leaving.finished_count = 0;
}
