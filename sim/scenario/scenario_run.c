#include "sim/scenario/scenario_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/units.h"
#include "sim/cluster/run_tally.h"
#include "sim/hardware/precision.h"
#include "sim/scenario/scenario_file.h"
#include "sim/scenario/scenario_rules.h"

enum { STREAM_OF_PREFIXES = 1, STREAM_OF_CONVERSATIONS = 2 };

struct simulation_settings scenario_run_settings(const struct deployment *deployment)
{
    assert(deployment->group_count > 0);
    return (struct simulation_settings){
        .groups = deployment->groups,
        .group_count = deployment->group_count,
        .router = deployment->router,
        .client = {.kind = CLIENT_OPEN},
    };
}

static bool replay_trace(const struct scenario *scenario, struct workload *workload,
                         struct error *error)
{
    const struct scenario_workload *asked = &scenario->workload;
    const struct trace_replay_settings settings = {
        .path = asked->trace,
        .seed = scenario->seed,
        .from_s = asked->replay.from_s,
        .until_s = asked->replay.until_s,
        .repeat = asked->replay.repeat,
        .rate_factor = asked->replay.rate_factor,
        .rate_per_s = asked->arrivals.rate_per_s,
        .burstiness = asked->arrivals.burstiness,
        .requests = asked->requests,
        .token_budget = asked->token_budget,
        .output_factor = asked->output_factor,
    };
    return workload_replay(workload, &settings, error);
}

static bool generate(const struct scenario *scenario, const struct served_model *served,
                     struct workload *workload, struct error *error)
{
    const struct scenario_workload *asked = &scenario->workload;
    const struct generator_settings settings = {
        .seed = scenario->seed,
        .requests = asked->requests,
        .arrivals = {.process = asked->arrivals.process,
                     .rate_per_s = asked->arrivals.rate_per_s,
                     .burstiness = asked->arrivals.burstiness,
                     .windows = asked->arrivals.windows},
        .token_budget = asked->token_budget,
        .output_factor = asked->output_factor,
        .sharing = asked->sharing,
        .accuracy_scale = asked->accuracy_scale,
        .model = asked->lengths_model[0] != '\0' ? asked->lengths_model : served->model,
        .kv_cache = served->kv_cache,
        .weights = weight_precision_answers_as(served->weights),
        .datasets = asked->datasets};
    return workload_generate(workload, &settings, asked->lengths, error);
}

bool scenario_run_workload(const struct scenario *scenario, const struct served_model *served,
                           struct workload *workload, struct error *error)
{
    bool replays = scenario->workload.trace[0] != '\0';
    bool ok = replays ? replay_trace(scenario, workload, error)
                      : generate(scenario, served, workload, error);
    workload_set_thinking_budget(workload, scenario->workload.thinking_budget);
    return ok;
}

/* What the prompt begins with, and the conversation it goes on; an answer without thinking stays in
 * the conversation as it was generated, thinking is left out of later turns. */
static struct prompt_content content_of(const struct trace_request *request)
{
    struct prompt_content content = {.own_stream = 0};
    if (request->prefix_id > 0) {
        content.parts[0] =
            (struct prompt_part){.stream = random_bits_at(STREAM_OF_PREFIXES, request->prefix_id),
                                 .end = smaller(request->prefix_tokens, request->prompt_tokens)};
    }
    if (request->conversation_id > 0) {
        uint64_t stream = random_bits_at(STREAM_OF_CONVERSATIONS, request->conversation_id);
        content.parts[1] = (struct prompt_part){.stream = stream, .end = request->prompt_tokens};
        content.own_stream = request->reasoning_tokens == 0 ? stream : 0;
    }
    return content;
}

/* Samples of a question share its whole prompt (generator.h). */
static uint64_t question_of(const struct trace_request *request)
{
    return request->conversation_id > 0 ? request->conversation_id : request->prefix_id;
}

/* A trace may turn out bad in the middle of a run: that is kept for scenario_run_check. */
static bool next_request(void *context, struct request *request)
{
    struct scenario_run *run = context;
    struct trace_request from;
    bool more = false;
    if (run->workload_failed ||
        !workload_next(&run->workload, &from, &more, &run->workload_error)) {
        run->workload_failed = true;
        return false;
    }
    if (more && from.follows_answer) {
        run->workload_failed = true;
        return error_set(&run->workload_error,
                         "%s:%llu: 'delay_s': requests that wait for an answer before them are not "
                         "simulated; leave the column empty to send each at its 'arrival_s'",
                         run->workload.replay.reader.csv.path,
                         (unsigned long long)run->workload.replay.reader.csv.line);
    }
    *request = (struct request){
        .ask.sent_ps = ps_from_s(from.arrival_s),
        .ask.prompt_tokens = from.prompt_tokens,
        .ask.max_output_tokens = from.max_output_tokens,
        .ask.priority = from.priority,
        .ask.dataset = from.dataset,
        .ask.user = from.user,
        .ask.deadline_ps = ps_from_s(from.deadline_s),
        .ask.samples = run->samples,
        .ask.question = run->samples > 1 ? question_of(&from) : 0,
        .ask.content = content_of(&from),
        .truth.output_tokens = smaller(from.output_tokens, from.max_output_tokens),
        .truth.reasoning_tokens = from.reasoning_tokens,
        .truth.is_correct = from.correctness == CORRECTNESS_CORRECT,
        .truth.answer_is_known = from.correctness != CORRECTNESS_UNKNOWN,
        .truth.drafts = {.probability = run->draft_acceptance,
                         .by_position = run->position_count > 0 ? run->accepted_by_position : NULL,
                         .position_count = run->position_count,
                         .key = random_bits_at(run->draft_key, run->workload.count)},
    };
    return more;
}

static void log_request(void *context, const struct request *request)
{
    struct scenario_run *run = context;
    struct request_record record = request_record_of(request, run->dataset_names);
    request_log_add(run->log, &record);
}

/* Chances as CHANCE,...: that so many drafts in a row are right cannot get likelier with more. */
static bool read_positions(struct scenario_run *run, const char *text, struct error *error)
{
    static const char place[] = "workload.draft_acceptance_by_position";
    double before = 1;
    run->position_count = 0;
    while (*text != '\0') {
        char *end = NULL;
        double chance = strtod(text, &end);
        bool is_separated = end != text && (*end == '\0' || (*end == ',' && end[1] != '\0'));
        if (!is_separated || !(chance >= 0 && chance <= before)) {
            return error_set(error,
                             "'%s' must be CHANCE,CHANCE,... from 1 to 0, none above the one "
                             "before it, got '%s'",
                             place, text);
        }
        if (run->position_count == MAX_DRAFTS) {
            return error_set(error, "'%s' must be at most %d chances", place, MAX_DRAFTS);
        }
        run->accepted_by_position[run->position_count++] = chance;
        before = chance;
        text = *end == ',' ? end + 1 : end;
    }
    return true;
}

static void note_workload(struct scenario_run *run)
{
    struct generator_notes notes;
    for (uint32_t i = 0;
         run->workload.generator != NULL && generator_note(run->workload.generator, i, &notes);
         i++) {
        warning_list_add(&run->warnings, "%s", notes.lengths);
        warning_list_add(&run->warnings, "%s", notes.accuracy);
    }
}

/* What predictors have seen: answers to requests of the same kind, by another seed. */
static bool read_earlier_answers(struct scenario_run *run, const struct scenario *scenario,
                                 const struct served_model *served, struct error *error)
{
    struct scenario earlier = *scenario;
    struct workload workload = {.count = 0};
    struct trace_request request;
    bool more = true;
    if (scenario->engine.earlier_answers == 0 ||
        scenario_rules_overruled_by(scenario, "engine.earlier_answers") != NULL) {
        return true;
    }
    earlier.seed = random_key(scenario->seed, "earlier answers") % (uint64_t)MAX_SEED;
    earlier.workload.requests = scenario->engine.earlier_answers;
    bool ok = scenario_run_workload(&earlier, served, &workload, error);
    while (ok && (ok = workload_next(&workload, &request, &more, error)) && more) {
        length_history_add(&run->earlier_answers, request.dataset,
                           smaller(request.output_tokens, request.max_output_tokens));
    }
    workload_close(&workload);
    run->settings.earlier_answers = &run->earlier_answers;
    return ok;
}

bool scenario_run_init(struct scenario_run *run, const struct scenario *scenario,
                       const struct deployment *deployment, struct error *error)
{
    const struct scenario_metrics *metrics = &scenario->metrics;
    memset(run, 0, sizeof *run);
    run->deployment = deployment;
    run->settings = scenario_run_settings(deployment);
    run->settings.client = scenario->workload.client;
    run->settings.outages = scenario->fleet.outages;
    run->settings.scaling = scenario->fleet.scaling;
    run->settings.max_requests = scenario->fleet.max_requests;
    run->settings.timeline_interval_ps = metrics->timeline_interval_ps;
    run->settings.slo = (struct slo){metrics->slo_ttft_s, metrics->slo_tpot_s, metrics->slo_e2e_s};
    run->settings.noise = scenario->noise;
    run->settings.seed = scenario->seed;
    run->draft_acceptance = scenario->workload.draft_acceptance;
    run->samples = scenario->workload.trace[0] == '\0' ? scenario->workload.sharing.samples : 1;
    run->draft_key = random_key(scenario->seed, "drafts");
    for (uint32_t i = 0; i < TRACE_MAX_DATASETS; i++) {
        run->dataset_names[i] = run->workload.datasets.names[i];
    }
    const struct served_model served = {
        .model = deployment->model.name,
        .weights = deployment->weights->name,
        .kv_cache = deployment->kv->name,
    };
    if (!read_positions(run, scenario->workload.draft_acceptance_by_position, error) ||
        !scenario_run_workload(scenario, &served, &run->workload, error) ||
        !read_earlier_answers(run, scenario, &served, error)) {
        return false;
    }
    note_workload(run);
    return true;
}

void scenario_run_clear(struct scenario_run *run)
{
    workload_close(&run->workload);
    length_history_clear(&run->earlier_answers);
    memset(run, 0, sizeof *run);
}

struct simulation *scenario_run_simulation(struct scenario_run *run)
{
    assert(run->deployment != NULL);
    const struct request_feed feed = {
        .context = run, .next = next_request, .done = run->log != NULL ? log_request : NULL};
    return simulation_create_fed(&run->settings, &feed);
}

bool scenario_run_check(const struct scenario_run *run, const struct simulation *simulation,
                        struct error *error)
{
    if (run->workload_failed) {
        return error_set(error, "%s", run->workload_error.message);
    }
    const struct error *failure = simulation_failure(simulation);
    if (failure != NULL) {
        return error_set(error, "%s", failure->message);
    }
    if (simulation_is_out_of_time(simulation)) {
        return error_set(error,
                         "the run takes more than %.0f simulated seconds, the most there can be: "
                         "send fewer requests, or at a rate the engine can serve",
                         MAX_TIME_S);
    }
    return !simulation_is_stalled(simulation) ||
           error_set(
               error,
               "the engine makes no progress from %.3f s on: prompts that do not fit together "
               "preempt each other; raise 'engine.num_blocks' or set "
               "'engine.reserve_full_prompt' and no 'engine.long_prefill_threshold_tokens'",
               s_from_ps(simulation_now_ps(simulation)));
}

bool scenario_run_all(const struct scenario *scenario, const struct deployment *deployment,
                      on_finished_run *on_finished, void *context, struct error *error)
{
    struct scenario_run run;
    bool ok = scenario_run_init(&run, scenario, deployment, error);
    if (ok) {
        struct simulation *simulation = scenario_run_simulation(&run);
        simulation_run(simulation);
        ok = scenario_run_check(&run, simulation, error) &&
             on_finished(context, &(struct finished_run){scenario, deployment, simulation}, error);
        simulation_destroy(simulation);
    }
    scenario_run_clear(&run);
    return ok;
}

bool scenario_run_file(const char *path, const struct option_list *assignments,
                       on_finished_run *on_finished, void *context, struct error *error)
{
    struct scenario scenario;
    struct deployment deployment;
    if (!scenario_file_read(&scenario, path, assignments, NULL, error)) {
        return false;
    }
    bool ok = deployment_resolve(&deployment, &scenario, error) &&
              scenario_run_all(&scenario, &deployment, on_finished, context, error);
    deployment_clear(&deployment);
    return ok;
}
