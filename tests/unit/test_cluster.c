#include "tests/unit/made_instance.h"

#include "sim/cluster/cluster.h"
#include "sim/engines/orca.h"
#include "sim/engines/vllm_v1.h"

static struct instance_config config_of(const struct engine_preset *preset, uint32_t blocks)
{
    return (struct instance_config){.preset = preset,
                                    .policy = &policy_fcfs,
                                    .engine = {.max_batch_tokens = 64,
                                               .max_batch_requests = 4,
                                               .max_model_len = 1000,
                                               .block_tokens = 16,
                                               .num_blocks = blocks}};
}

/* Group by group, each instance of its own configuration and role. */
static void test_groups_in_order(void **state)
{
    (void)state;
    struct cluster cluster;
    const struct instance_config large = config_of(&engine_preset_vllm_0_24, 101);
    const struct instance_config small = config_of(&engine_preset_vllm_0_24, 51);
    const struct instance_group groups[] = {
        {&large, 1, INSTANCE_PREFILL, {0}}, {&large, 0, INSTANCE_BOTH, {0}}, {&small, 2, INSTANCE_DECODE, {0}}};
    cluster_init(&cluster, groups, 3);
    assert_int_equal(cluster.count, 3);
    assert_true(cluster.is_disaggregated);
    assert_true(cluster.instances[0].prefills_only);
    assert_int_equal(cluster.instances[0].kv_cache.total_blocks, 100);
    for (uint32_t i = 1; i < 3; i++) {
        assert_ptr_equal(cluster.instances[i].config, &small);
        assert_int_equal(cluster.nodes[i].role, INSTANCE_DECODE);
        assert_false(cluster.instances[i].prefills_only);
        assert_int_equal(cluster.instances[i].kv_cache.total_blocks, 50);
    }
    cluster_clear(&cluster);
    assert_int_equal(cluster.count, 0);
    assert_null(cluster.instances);
}

/* A group of prefills without an instance hands nothing over. */
static void test_unlike_engines_are_not_disaggregated(void **state)
{
    (void)state;
    struct cluster cluster;
    const struct instance_config one = config_of(&engine_preset_vllm_0_24, 101);
    const struct instance_config other = config_of(&engine_preset_orca, 101);
    const struct instance_group groups[] = {
        {&one, 1, INSTANCE_BOTH, {0}}, {&other, 1, INSTANCE_BOTH, {0}}, {&one, 0, INSTANCE_PREFILL, {0}}};
    cluster_init(&cluster, groups, 3);
    assert_false(cluster.is_disaggregated);
    assert_int_equal(cluster.instances[0].kv_cache.total_blocks, 100);
    assert_int_equal(cluster.instances[1].kv_cache.total_blocks, 101);
    cluster_clear(&cluster);
}

static void test_all_see_the_requests(void **state)
{
    (void)state;
    struct cluster cluster;
    struct request requests[9] = {{0}};
    const struct instance_config config = config_of(&engine_preset_vllm_0_24, 101);
    const struct instance_group group = {&config, 3, INSTANCE_BOTH, {0}};
    cluster_init(&cluster, &group, 1);
    cluster_set_requests(&cluster, requests, 9);
    for (uint32_t i = 0; i < 3; i++) {
        assert_ptr_equal(cluster.instances[i].requests, requests);
        assert_int_equal(cluster.instances[i].kv_cache.held_blocks[8], 0);
        kv_cache_allocate(&cluster.instances[i].kv_cache, 8, i);
    }
    for (uint32_t i = 0; i < 3; i++) { /* each has blocks of its own */
        assert_int_equal(cluster.instances[i].kv_cache.held_blocks[8], i);
        assert_int_equal(cluster.instances[i].kv_cache.free_blocks, 100 - i);
    }
    cluster_clear(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_in_order),
        cmocka_unit_test(test_unlike_engines_are_not_disaggregated),
        cmocka_unit_test(test_all_see_the_requests),
    };
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
