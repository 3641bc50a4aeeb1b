#include "tests/unit/check.h"

#include <math.h>

#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"

static void test_run_beyond_the_clock_is_given_up(void **state)
{
    (void)state;
    struct step_cost cost = step_cost_constant(100 * PS_PER_S);
    struct request request = {
        .ask.prompt_tokens = 1, .truth.output_tokens = 100000, .ask.max_output_tokens = 100000};
    struct instance_config config = {.preset = &engine_preset_vllm_0_24,
                                     .policy = &policy_fcfs,
                                     .cost = &cost,
                                     .engine = {.max_batch_tokens = 64,
                                                .max_batch_requests = 8,
                                                .max_model_len = 200000,
                                                .block_tokens = 16,
                                                .num_blocks = 20000,
                                                .chunked_prefill = true}};
    struct instance_group group = {&config, 1, INSTANCE_BOTH, {0}};
    struct simulation_settings settings = {
        .groups = &group, .group_count = 1, .client = {.kind = CLIENT_OPEN}};
    for (int stepwise = 0; stepwise < 2; stepwise++) {
        settings.stepwise = stepwise == 1;
        struct simulation *simulation = simulation_create(&settings, &request, 1);
        simulation_run(simulation);
        assert_true(simulation_is_out_of_time(simulation));
        assert_false(simulation_is_stalled(simulation));
        simulation_destroy(simulation);
    }
}

static double no_number(void *state, const struct policy_view *view,
                        const struct policy_request *request)
{
    (void)state;
    (void)view;
    (void)request;
    return NAN;
}

/* A pool of four blocks, and two requests that need three each. */
static struct simulation *run_tight(const struct scheduling_policy *policy,
                                    struct instance_config *config, struct instance_group *group,
                                    struct request *requests, struct observer_list observers)
{
    static struct step_cost cost;
    cost = step_cost_constant(PS_PER_MS);
    *config = (struct instance_config){.preset = &engine_preset_vllm_0_24,
                                       .policy = policy,
                                       .cost = &cost,
                                       .engine = {.max_batch_tokens = 64,
                                                  .max_batch_requests = 8,
                                                  .max_model_len = 100,
                                                  .block_tokens = 16,
                                                  .num_blocks = 5,
                                                  .chunked_prefill = true,
                                                  .async_scheduling = true}};
    *group = (struct instance_group){config, 1, INSTANCE_BOTH, {0}};
    for (uint32_t i = 0; i < 2; i++) {
        requests[i] = (struct request){
            .ask.prompt_tokens = 16, .ask.max_output_tokens = 30, .truth.output_tokens = 30};
    }
    const struct simulation_settings settings = {
        .groups = group, .group_count = 1, .client = {.kind = CLIENT_OPEN}, .observers = observers};
    struct simulation *simulation = simulation_create(&settings, requests, 2);
    simulation_run(simulation);
    return simulation;
}

static void test_a_wrong_answer_of_a_policy_fails_the_run(void **state)
{
    (void)state;
    const struct scheduling_policy wrong = {.name = "wrong", .victim_key = no_number};
    struct instance_config config;
    struct instance_group group;
    struct request requests[2];
    struct simulation *simulation =
        run_tight(&wrong, &config, &group, requests, (struct observer_list){NULL, 0});
    assert_non_null(simulation_failure(simulation));
    assert_string_equal(simulation_failure(simulation)->message,
                        "scheduling policy 'wrong': 'victim_key' must return a number, got nan");
    simulation_destroy(simulation);
}

struct seen {
    uint64_t arrivals;
    uint64_t routes;
    uint64_t schedules;
    uint64_t steps;
    uint64_t repeated;
    uint64_t preemptions;
    uint64_t finishes;
};

static void see_arrival(void *state, const struct request *request, int64_t now_ps)
{
    (void)now_ps;
    assert_int_equal(request->status, REQUEST_UNSENT);
    ((struct seen *)state)->arrivals++;
}

static void see_route(void *state, const struct request *request, const struct instance *instance,
                      int64_t now_ps)
{
    (void)request;
    (void)now_ps;
    assert_int_equal(instance->account.number, 0);
    ((struct seen *)state)->routes++;
}

static void see_schedule(void *state, const struct instance *instance, const struct batch *batch,
                         int64_t now_ps)
{
    (void)instance;
    (void)now_ps;
    ((struct seen *)state)->schedules += !batch_is_empty(batch);
}

static void see_step(void *state, const struct instance *instance, const struct batch *batch,
                     int64_t now_ps)
{
    (void)instance;
    (void)now_ps;
    ((struct seen *)state)->steps += !batch_is_empty(batch);
}

static void see_repeat(void *state, const struct instance *instance, const struct step_times *times,
                       uint64_t steps)
{
    (void)instance;
    (void)times;
    ((struct seen *)state)->repeated += steps;
}

static void see_preempt(void *state, const struct instance *instance, const struct request *request,
                        int64_t now_ps)
{
    (void)instance;
    (void)now_ps;
    assert_true(request->preemptions > 0);
    ((struct seen *)state)->preemptions++;
}

static void see_finish(void *state, const struct request *request, int64_t now_ps)
{
    (void)now_ps;
    assert_int_equal(request->status, REQUEST_FINISHED);
    ((struct seen *)state)->finishes++;
}

/* Whether it sees each step or takes runs of them, an observer is told of all. */
static void test_observers_are_told_of_all(void **state)
{
    (void)state;
    for (int each = 0; each < 2; each++) {
        struct seen seen = {0};
        struct observer observer = {&seen,       see_arrival, see_route,  see_schedule,
                                    see_preempt, see_step,    see_repeat, see_finish};
        observer.on_repeat = each ? NULL : see_repeat;
        struct instance_config config;
        struct instance_group group;
        struct request requests[2];
        struct simulation *simulation = run_tight(&policy_fcfs, &config, &group, requests,
                                                  (struct observer_list){&observer, 1});
        const struct step_counts *counts = simulation_step_counts(simulation);
        assert_null(simulation_failure(simulation));
        assert_true(counts->preemptions > 0);
        assert_int_equal(seen.arrivals, 2);
        assert_int_equal(seen.routes, 2);
        assert_int_equal(seen.finishes, 2);
        assert_int_equal(seen.preemptions, counts->preemptions);
        assert_int_equal(seen.schedules + seen.repeated,
                         counts->decode_steps + counts->mixed_steps);
        assert_true(seen.steps > 0 && (seen.repeated > 0) == (each == 0));
        simulation_destroy(simulation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_beyond_the_clock_is_given_up),
        cmocka_unit_test(test_a_wrong_answer_of_a_policy_fails_the_run),
        cmocka_unit_test(test_observers_are_told_of_all),
    };
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
