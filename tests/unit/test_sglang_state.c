#include "tests/unit/made_instance.h"

#include "sim/engines/sglang.h"
#include "sim/engines/sglang_state.h"

static void test_members_end_and_are_filtered_out(void **state)
{
    (void)state;
    struct sglang_members members = {NULL, 0, 0};
    for (uint32_t i = 0; i < 5; i++) {
        sglang_members_add(&members, 10 + i);
    }
    assert_false(sglang_members_filter(&members, SGLANG_NOBODY));
    assert_int_equal(members.count, 5);
    sglang_members_end(&members, 12);
    sglang_members_end(&members, 99); /* none of them */
    assert_int_equal(members.count, 5);
    assert_int_equal(members.requests[2], SGLANG_NOBODY);
    assert_true(sglang_members_filter(&members, 13));
    const uint32_t left[] = {10, 11, 14};
    assert_int_equal(members.count, 3);
    assert_memory_equal(members.requests, left, sizeof left);
    assert_false(sglang_members_filter(&members, 10)); /* leaving out is no end */
    free(members.requests);
}

static void test_output_limit_by_context_and_pool(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_sglang_0_4_6,
                       (struct engine_settings){.num_blocks = 200, .max_model_len = 150});
    struct request request = {.ask = {.prompt_tokens = 50, .max_output_tokens = 30}};
    assert_int_equal(sglang_output_limit(&made.instance, &request), 30);
    request.ask.max_output_tokens = 1000;
    assert_int_equal(sglang_output_limit(&made.instance, &request), 150 - 1 - 50 - 1);
    request.ask.prompt_tokens = 149;
    assert_int_equal(sglang_output_limit(&made.instance, &request), 0);
    instance_clear(&made.instance);
    made_instance_init(&made, &engine_preset_sglang_0_4_6,
                       (struct engine_settings){.num_blocks = 100, .max_model_len = 150});
    request.ask.prompt_tokens = 50;
    assert_int_equal(sglang_output_limit(&made.instance, &request), 100 - 1 - 50 - 1);
    instance_clear(&made.instance);
}

static void test_held_starts_empty(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_sglang_0_4_6,
                       (struct engine_settings){.num_blocks = 0});
    struct sglang *sglang = sglang_state_of(&made.instance);
    sglang_held_of(sglang, 2)->prefix = 7;
    const struct sglang_held *far = sglang_held_of(sglang, 1000);
    assert_int_equal(far->prefix, 0);
    assert_int_equal(far->node, RADIX_ROOT);
    assert_int_equal(sglang_held_of(sglang, 2)->prefix, 7);
    assert_int_equal(sglang->held_count, 1001);
    instance_clear(&made.instance);
}

/* Slots go from the free to a request, from there to the tree, and back by eviction. */
static void test_slots_are_never_lost(void **state)
{
    (void)state;
    static struct made_instance made;
    made_instance_init(&made, &engine_preset_sglang_0_4_6,
                       (struct engine_settings){.num_blocks = 300,
                                                .prefix_caching = true,
                                                .chunked_prefill = true,
                                                .sglang = {.max_prefill_tokens = 100}});
    struct sglang *sglang = sglang_state_of(&made.instance);
    uint64_t all = sglang_available(sglang);
    made_instance_ask(&made, 0, 40, 3);
    made_instance_step(&made);
    assert_int_equal(sglang_available(sglang), all - 40);
    made_instance_step(&made);
    made_instance_step(&made);
    assert_int_equal(made.requests[0].status, REQUEST_FINISHED);
    assert_int_equal(sglang_available(sglang), all);
    assert_int_equal(sglang->free, all - 42);
    sglang_evict(sglang, 1); /* whole leaves */
    assert_int_equal(sglang->free + sglang->tree.evictable, all);
    assert_true(sglang->free > all - 42);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_end_and_are_filtered_out),
        cmocka_unit_test(test_output_limit_by_context_and_pool),
        cmocka_unit_test(test_held_starts_empty),
        cmocka_unit_test(test_slots_are_never_lost),
    };
    return cmocka_run_group_tests_name("sglang_state", tests, NULL, NULL);
}
