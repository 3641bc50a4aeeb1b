#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/policy/priority.h"
#include "sim/serving/instance_policy.h"

static struct made_instance made;

static void start(const double *values)
{
    made_instance_init(&made, &engine_preset_vllm_0_24, (struct engine_settings){.num_blocks = 0});
    made_instance_follow(&made, &policy_priority, values);
}

static void enter(uint32_t index, int32_t priority, int64_t sent_ps)
{
    made.requests[index] = (struct request){
        .id = index, .ask = {.prompt_tokens = 5, .priority = priority, .sent_ps = sent_ps}};
    made.requests[index].known_tokens = 5;
}

/* By priority, then time of sending, then number; a preempted one goes where it belongs. */
static void test_order_of_the_waiting(void **state)
{
    (void)state;
    start(NULL);
    enter(0, 1, 50);
    enter(1, -1, 90);
    enter(2, 1, 40);
    enter(3, 0, 10);
    enter(4, 1, 50);
    enter(5, 0, 5);
    for (uint32_t i = 0; i < 6; i++) {
        made.requests[i].status = i == 4 ? REQUEST_PREEMPTED : made.requests[i].status;
        instance_policy_enqueue(&made.instance, i);
    }
    const uint32_t expected[] = {1, 5, 3, 2, 0, 4};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(request_queue_pop_front(&made.instance.waiting), expected[i]);
    }
    instance_clear(&made.instance);
}

/* A wait of 10 s counts as one step of priority. */
static void test_aging(void **state)
{
    (void)state;
    const double values[] = {10};
    start(values);
    enter(0, 0, 25 * PS_PER_S);
    enter(1, 2, 4 * PS_PER_S);
    enter(2, 2, 6 * PS_PER_S);
    for (uint32_t i = 0; i < 3; i++) {
        instance_policy_enqueue(&made.instance, i);
    }
    const uint32_t expected[] = {1, 0, 2};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(request_queue_pop_front(&made.instance.waiting), expected[i]);
    }
    instance_clear(&made.instance);
}

/* A better one takes the place of a running one only where the policy says so. */
static void test_preempting(void **state)
{
    (void)state;
    const struct scheduling_policy *const policies[] = {&policy_priority,
                                                        &policy_preemptive_priority};
    for (int i = 0; i < 2; i++) {
        start(NULL);
        made_instance_follow(&made, policies[i], NULL);
        enter(0, 1, 30);
        enter(1, 3, 20);
        enter(2, 2, 40);
        instance_add_running(&made.instance, 0);
        instance_add_running(&made.instance, 1);
        instance_policy_enqueue(&made.instance, 2);
        uint32_t displaced = 0;
        assert_int_equal(instance_policy_displaced(&made.instance, &displaced), i);
        assert_int_equal(displaced, i);
        instance_clear(&made.instance);
    }
}

/* The worst priority, the latest sent of it, and of those the one that runs longest. */
static void test_victims(void **state)
{
    (void)state;
    start(NULL);
    enter(0, 2, 30);
    enter(1, 3, 20);
    enter(2, 3, 40);
    enter(3, 3, 40);
    for (uint32_t i = 0; i < 4; i++) {
        instance_add_running(&made.instance, i);
    }
    assert_int_equal(instance_policy_victim(&made.instance), 2);
    made.requests[3].ask.sent_ps = 41;
    assert_int_equal(instance_policy_victim(&made.instance), 3);
    made.requests[0].ask.priority = 4;
    assert_int_equal(instance_policy_victim(&made.instance), 0);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_the_waiting),
        cmocka_unit_test(test_aging),
        cmocka_unit_test(test_preempting),
        cmocka_unit_test(test_victims),
    };
    return cmocka_run_group_tests_name("priority", tests, NULL, NULL);
}
