/* An instance and its policy: what is asked when, and what the policy sees. */
#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/instance_policy.h"

enum { EVENTS = 64 };

struct heard {
    uint32_t asked; /* how often 'admits' was */
    bool answer;
    uint32_t events;
    enum policy_event event[EVENTS];
    uint32_t id[EVENTS];
    uint32_t outputs[EVENTS];
    struct policy_view last_view;
    struct policy_request last;
};

static struct made_instance made;

static bool admits(void *state, const struct policy_view *view,
                   const struct policy_request *request)
{
    struct heard *heard = state;
    heard->asked++;
    heard->last_view = *view;
    heard->last = *request;
    return heard->answer;
}

static void on_event(void *state, const struct policy_view *view, enum policy_event event,
                     const struct policy_request *request)
{
    struct heard *heard = state;
    (void)view;
    heard->event[heard->events] = event;
    heard->id[heard->events] = request->id;
    heard->outputs[heard->events++] = request->output_tokens;
}

static uint32_t milestone_tokens(const void *state)
{
    (void)state;
    return 3;
}

static const struct scheduling_policy listener = {
    .name = "listener",
    .state_bytes = sizeof(struct heard),
    .milestone_tokens = milestone_tokens,
    .admits = admits,
    .on_event = on_event,
};

static struct heard *start(void)
{
    made_instance_init(&made, &engine_preset_vllm_0_24, (struct engine_settings){.num_blocks = 0});
    made_instance_follow(&made, &listener, NULL);
    return made.instance.policy.state;
}

static void step(void)
{
    struct batch *batch = made_instance_schedule(&made);
    made.config.preset->process_output(&made.instance, batch);
    instance_policy_tell_of_output(&made.instance, batch);
}

/* First tokens, multiples of three, and ends; of one step in the order of the requests' numbers. */
static void test_events(void **state)
{
    (void)state;
    struct heard *heard = start();
    heard->answer = true;
    made_instance_ask(&made, 1, 5, 7);
    made_instance_ask(&made, 0, 5, 4);
    for (int i = 0; i < 7; i++) {
        step();
    }
    const struct {
        enum policy_event event;
        uint32_t id;
        uint32_t outputs;
    } expected[] = {
        {POLICY_ADMISSION, 1, 0}, {POLICY_ADMISSION, 0, 0}, {POLICY_MILESTONE, 0, 1},
        {POLICY_MILESTONE, 1, 1}, {POLICY_MILESTONE, 0, 3}, {POLICY_MILESTONE, 1, 3},
        {POLICY_FINISH, 0, 4},    {POLICY_MILESTONE, 1, 6}, {POLICY_FINISH, 1, 7},
    };
    assert_int_equal(heard->events, sizeof expected / sizeof expected[0]);
    for (uint32_t i = 0; i < heard->events; i++) {
        assert_int_equal(heard->event[i], expected[i].event);
        assert_int_equal(heard->id[i], expected[i].id);
        assert_int_equal(heard->outputs[i], expected[i].outputs);
    }
    instance_clear(&made.instance);
}

/* An answer stands until something happens; with nothing running nobody is asked. */
static void test_answers_stand(void **state)
{
    (void)state;
    struct heard *heard = start();
    made_instance_ask(&made, 0, 5, 20);
    step();
    assert_int_equal(heard->asked, 0);
    assert_int_equal(made.instance.running_count, 1);
    made_instance_ask(&made, 1, 6, 9);
    made.requests[1].ask.user = 4;
    step();
    assert_int_equal(heard->asked, 1);
    assert_int_equal(heard->last.user, 4);
    assert_int_equal(heard->last.prompt_tokens, 6);
    assert_int_equal(heard->last_view.running_count, 1);
    assert_int_equal(heard->last_view.waiting_count, 1);
    assert_int_equal(heard->last_view.total_blocks - heard->last_view.free_blocks, 6);
    assert_false(instance_policy_may_admit(&made.instance, 1));
    step(); /* brings a milestone, the third token */
    assert_int_equal(heard->asked, 1);
    assert_true(instance_policy_may_admit(&made.instance, 1));
    heard->answer = true;
    step();
    assert_int_equal(heard->asked, 2);
    assert_int_equal(made.instance.running_count, 2);
    instance_clear(&made.instance);
}

/* What is preempted first, by each rule. */
static void test_victim_rules(void **state)
{
    (void)state;
    const struct {
        enum victim_rule rule;
        uint32_t position;
    } expected[] = {{VICTIM_OF_POLICY, 2},
                    {VICTIM_NEWEST, 1},
                    {VICTIM_MOST_KV, 0},
                    {VICTIM_LEAST_PROGRESS, 2},
                    {VICTIM_LONGEST, 1}};
    made_instance_init(&made, &engine_preset_vllm_0_24, (struct engine_settings){.num_blocks = 0});
    const uint32_t prompts[] = {40, 10, 10};
    const uint32_t outputs[] = {60, 90, 50};
    for (uint32_t i = 0; i < 3; i++) {
        made_instance_ask(&made, i, prompts[i], outputs[i]);
        made.requests[i].ask.sent_ps = i == 1 ? 100 : i;
        made_instance_step(&made);
    }
    made.config.predictor.kind = PREDICTOR_ORACLE;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        made.config.victims = expected[i].rule;
        assert_int_equal(instance_policy_victim(&made.instance), expected[i].position);
    }
    instance_clear(&made.instance);
}

/* Up to the step before the next multiple of three. */
static void test_steps_to_a_milestone(void **state)
{
    (void)state;
    (void)start();
    struct request request = {.ask.prompt_tokens = 5, .known_tokens = 5 + 1};
    assert_int_equal(instance_policy_steps(&made.instance, &request, 100), 1);
    request.known_tokens++;
    assert_int_equal(instance_policy_steps(&made.instance, &request, 100), 0);
    request.known_tokens++;
    assert_int_equal(instance_policy_steps(&made.instance, &request, 100), 2);
    assert_int_equal(instance_policy_steps(&made.instance, &request, 1), 1);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_answers_stand),
        cmocka_unit_test(test_victim_rules),
        cmocka_unit_test(test_steps_to_a_milestone),
    };
    return cmocka_run_group_tests_name("instance_policy", tests, NULL, NULL);
}
