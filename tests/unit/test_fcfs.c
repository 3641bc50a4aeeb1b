#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/instance_policy.h"

/* Priorities and times of sending do not matter; the preempted go to the front. */
static void test_order_of_arrival(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_vllm_0_24, (struct engine_settings){.num_blocks = 0});
    for (uint32_t i = 0; i < 3; i++) {
        made_instance_ask(&made, i, 10, 10);
        made.requests[i].ask.priority = -(int32_t)i;
        made.requests[i].ask.sent_ps = 100 - i;
    }
    made.requests[5].status = REQUEST_PREEMPTED;
    instance_policy_enqueue(&made.instance, 5);
    const uint32_t expected[] = {5, 0, 1, 2};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(request_queue_at(&made.instance.waiting, i), expected[i]);
    }
    instance_clear(&made.instance);
}

static void test_newest_is_preempted(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_vllm_0_24, (struct engine_settings){.num_blocks = 0});
    const uint32_t running[] = {4, 1, 3};
    for (uint32_t i = 0; i < 3; i++) {
        made.requests[running[i]].ask.priority = 7 - (int32_t)i;
        instance_add_running(&made.instance, running[i]);
        assert_int_equal(instance_policy_victim(&made.instance), i);
    }
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_arrival),
        cmocka_unit_test(test_newest_is_preempted),
    };
    return cmocka_run_group_tests_name("fcfs", tests, NULL, NULL);
}
