#include "tests/unit/check.h"

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

static struct request request_of(uint32_t prompt, uint32_t budget, uint64_t conversation)
{
    struct request request = {
        .ask.prompt_tokens = prompt, .ask.max_output_tokens = budget, .known_tokens = prompt};
    request.ask.content.parts[1].stream = conversation;
    request.ask.content.parts[1].end = conversation != 0 ? prompt : 0;
    return request;
}

static struct router router_of(enum router_rule rule)
{
    struct router router;
    const struct router_settings settings = {.rule = rule, .prefix_weight = 1};
    router_init(&router, &settings, 1);
    return router;
}

static uint32_t choose(struct router *router, const struct cluster *cluster)
{
    const struct request request = request_of(10, 20, 0);
    return router_choose(router, cluster, &request, REQUEST_NEEDS_PREFILL);
}

static void test_the_least_loaded_instance_is_chosen(void **state)
{
    (void)state;
    const struct instance_group group = {&config, 3, INSTANCE_BOTH, {0}};
    struct router by_requests = router_of(ROUTER_LEAST_REQUESTS);
    struct router by_tokens = router_of(ROUTER_LEAST_TOKENS);
    struct router by_kv = router_of(ROUTER_LEAST_KV);
    struct cluster cluster;
    cluster_init(&cluster, &group, 1);
    const struct request small = request_of(10, 20, 0);
    const struct request large = request_of(100, 900, 0);
    assert_int_equal(choose(&by_requests, &cluster), 0);
    cluster_node_add(&cluster.nodes[0], &small);
    cluster_node_add(&cluster.nodes[0], &small);
    cluster_node_add(&cluster.nodes[1], &large);
    cluster_node_add(&cluster.nodes[2], &large);
    cluster_node_add(&cluster.nodes[2], &small);
    assert_int_equal(choose(&by_requests, &cluster), 1);
    assert_int_equal(choose(&by_tokens, &cluster), 0);
    cluster_node_remove(&cluster.nodes[2], &large);
    assert_int_equal(choose(&by_tokens, &cluster), 2);
    assert_true(router_looks_at_blocks(&by_kv) && !router_looks_at_blocks(&by_tokens));
    kv_cache_set_free(&cluster.instances[0].kv_cache, 50);
    kv_cache_set_free(&cluster.instances[1].kv_cache, 60);
    kv_cache_set_free(&cluster.instances[2].kv_cache, 40);
    assert_int_equal(choose(&by_kv, &cluster), 1);
    cluster_clear(&cluster);
}

static void test_instances_take_turns(void **state)
{
    (void)state;
    const struct instance_group group = {&config, 3, INSTANCE_BOTH, {0}};
    struct router router = router_of(ROUTER_ROUND_ROBIN);
    struct cluster cluster;
    cluster_init(&cluster, &group, 1);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(choose(&router, &cluster), i % 3);
    }
    cluster_clear(&cluster);
}

static void test_draws_are_even_and_repeat(void **state)
{
    (void)state;
    enum { DRAWS = 3000 };
    const struct instance_group group = {&config, 3, INSTANCE_BOTH, {0}};
    struct router router = router_of(ROUTER_RANDOM);
    struct router again = router_of(ROUTER_RANDOM);
    struct router of_two = router_of(ROUTER_POWER_OF_TWO);
    uint32_t counts[3] = {0};
    struct cluster cluster;
    cluster_init(&cluster, &group, 1);
    const struct request request = request_of(10, 20, 0);
    cluster_node_add(&cluster.nodes[1], &request);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint32_t number = choose(&router, &cluster);
        counts[number]++;
        assert_int_equal(number, choose(&again, &cluster));
        assert_int_not_equal(choose(&of_two, &cluster), 1);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_in_range(counts[i], DRAWS / 3 - 150, DRAWS / 3 + 150); /* 5.8 standard deviations */
    }
    cluster_clear(&cluster);
}

static void test_a_conversation_stays_where_it_is(void **state)
{
    (void)state;
    const struct instance_group groups[] = {{&config, 4, INSTANCE_BOTH, {0}}};
    struct router router = router_of(ROUTER_SESSION);
    struct cluster cluster;
    bool chosen[4] = {false};
    cluster_init(&cluster, groups, 1);
    for (uint64_t conversation = 1; conversation <= 64; conversation++) {
        const struct request request = request_of(100, 20, conversation);
        uint32_t number = router_choose(&router, &cluster, &request, REQUEST_NEEDS_PREFILL);
        chosen[number] = true;
        cluster_node_add(&cluster.nodes[number], &request);
        assert_int_equal(router_choose(&router, &cluster, &request, REQUEST_NEEDS_PREFILL), number);
    }
    assert_true(chosen[0] && chosen[1] && chosen[2] && chosen[3]);
    cluster_clear(&cluster);
}

static void test_held_blocks_need_not_be_computed(void **state)
{
    (void)state;
    struct instance_config caching = config;
    caching.engine.prefix_caching = true;
    const struct instance_group group = {&caching, 2, INSTANCE_BOTH, {0}};
    struct router router = router_of(ROUTER_PREFIX_AWARE);
    struct cluster cluster;
    const struct request request = request_of(65, 20, 7);
    cluster_init(&cluster, &group, 1);
    cluster_set_requests(&cluster, (struct request[1]){request}, 1);
    struct kv_cache *cache = &cluster.instances[1].kv_cache;
    assert_int_equal(router_choose(&router, &cluster, &request, REQUEST_NEEDS_PREFILL), 0);
    kv_cache_allocate(cache, 0, 4);
    block_cache_note(&cache->blocks, 0, &request.ask.content, 64);
    kv_cache_free_blocks(cache, 0);
    assert_int_equal(instance_cached_tokens(&cluster.instances[1], &request), 64);
    assert_int_equal(router_choose(&router, &cluster, &request, REQUEST_NEEDS_PREFILL), 1);
    cluster_clear(&cluster);
}

static void test_roles_are_kept(void **state)
{
    (void)state;
    const struct instance_group groups[] = {{&config, 2, INSTANCE_PREFILL, {0}},
                                            {&config, 1, INSTANCE_DECODE, {0}}};
    struct router router = router_of(ROUTER_LEAST_REQUESTS);
    struct cluster cluster;
    cluster_init(&cluster, groups, 2);
    assert_true(cluster.is_disaggregated && cluster.instances[1].prefills_only);
    const struct request request = request_of(10, 20, 0);
    cluster_node_add(&cluster.nodes[0], &request);
    assert_int_equal(choose(&router, &cluster), 1);
    assert_int_equal(router_choose(&router, &cluster, &request, REQUEST_NEEDS_DECODE), 2);
    cluster_clear(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_loaded_instance_is_chosen),
        cmocka_unit_test(test_instances_take_turns),
        cmocka_unit_test(test_draws_are_even_and_repeat),
        cmocka_unit_test(test_a_conversation_stays_where_it_is),
        cmocka_unit_test(test_held_blocks_need_not_be_computed),
        cmocka_unit_test(test_roles_are_kept),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
