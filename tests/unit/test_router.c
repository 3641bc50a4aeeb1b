#include "tests/unit/check.h"

#include "sim/cluster/kv_transfer.h"
#include "sim/cluster/router.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"

static struct step_cost cost;
static const struct instance_config config = {.preset = &engine_preset_vllm_0_24,
                                              .policy = &policy_fcfs,
                                              .cost = &cost,
                                              .engine = {.max_batch_tokens = 64,
                                                         .max_batch_requests = 8,
                                                         .max_model_len = 1000,
                                                         .block_tokens = 16,
                                                         .num_blocks = 100}};

static void test_the_least_loaded_instance_is_chosen(void **state)
{
    (void)state;
    const struct instance_group group = {&config, 3, INSTANCE_BOTH};
    struct cluster cluster;
    cluster_init(&cluster, &group, 1);
    assert_false(cluster.is_disaggregated);
    assert_int_equal(router_choose(&cluster, REQUEST_NEEDS_PREFILL), 0);
    cluster.instances[0].running_count = 2;
    cluster.instances[1].waiting.count = 1;
    cluster.instances[2].waiting.count = 1;
    assert_int_equal(router_choose(&cluster, REQUEST_NEEDS_PREFILL), 1);
    cluster.instances[1].running_count = 2;
    assert_int_equal(router_choose(&cluster, REQUEST_NEEDS_PREFILL), 2);
    cluster_clear(&cluster);
}

static void test_roles_are_kept(void **state)
{
    (void)state;
    const struct instance_group groups[] = {{&config, 2, INSTANCE_PREFILL},
                                            {&config, 1, INSTANCE_DECODE}};
    struct cluster cluster;
    cluster_init(&cluster, groups, 2);
    assert_true(cluster.is_disaggregated && cluster.instances[1].prefills_only);
    cluster.instances[0].running_count = 5;
    cluster.instances[1].running_count = 6;
    assert_int_equal(router_choose(&cluster, REQUEST_NEEDS_PREFILL), 0);
    cluster.instances[2].running_count = 7;
    assert_int_equal(router_choose(&cluster, REQUEST_NEEDS_DECODE), 2);
    cluster_clear(&cluster);
}

static void test_kv_moves_one_request_after_the_other(void **state)
{
    (void)state;
    struct cluster_node node = {.role = INSTANCE_PREFILL};
    const struct kv_link link = {.token_ps = 10, .latency_ps = 1000};
    assert_true(kv_transfer_send(&node, &link, 100, 5000) == 7000);
    assert_true(kv_transfer_send(&node, &link, 50, 6000) == 8500);
    assert_true(kv_transfer_send(&node, &link, 1, 20000) == 21010);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_loaded_instance_is_chosen),
        cmocka_unit_test(test_roles_are_kept),
        cmocka_unit_test(test_kv_moves_one_request_after_the_other),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
