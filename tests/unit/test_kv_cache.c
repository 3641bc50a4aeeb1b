/* The pool of KV blocks. */
#include "tests/unit/check.h"

#include "sim/kv/kv_cache.h"

static void test_blocks_for_tokens(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 10, 16, 1);
    assert_int_equal(kv_cache_blocks_for(&cache, 0), 0);
    assert_int_equal(kv_cache_blocks_for(&cache, 1), 1);
    assert_int_equal(kv_cache_blocks_for(&cache, 16), 1);
    assert_int_equal(kv_cache_blocks_for(&cache, 17), 2);
    kv_cache_clear(&cache);
}

static void test_allocate_and_free(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 10, 16, 1);
    kv_cache_grow(&cache, 2);
    kv_cache_allocate(&cache, 0, 3);
    kv_cache_allocate(&cache, 1, 2);
    assert_int_equal(cache.free_blocks, 5);
    assert_near(kv_cache_utilization(&cache), 0.5, 1e-12);
    assert_true(kv_cache_holds(&cache, 0, 48));
    assert_false(kv_cache_holds(&cache, 0, 49));
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 48), 0);
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 81), 3);
    kv_cache_free_blocks(&cache, 0);
    kv_cache_free_blocks(&cache, 0);
    assert_int_equal(cache.free_blocks, 8);
    assert_int_equal(cache.held_blocks[0], 0);
    kv_cache_clear(&cache);
}

/* Blocks taken for a group are given to its members later, as many at a time as each took. */
static void test_take_now_commit_later(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 20, 16, 1);
    kv_cache_allocate(&cache, 0, 1);
    kv_cache_take(&cache, 5);
    kv_cache_commit(&cache, 0, 17, 5);
    assert_int_equal(cache.held_blocks[0], 6);
    kv_cache_commit(&cache, 0, 96, 5);
    assert_int_equal(cache.held_blocks[0], 6);
    assert_int_equal(cache.free_blocks, 14);
    kv_cache_free_blocks(&cache, 0);
    assert_int_equal(cache.free_blocks, 20);
    kv_cache_clear(&cache);
}

/* With prefix caching freed blocks are found again and shared. */
static void test_shares_known_blocks(void **state)
{
    (void)state;
    struct kv_cache cache;
    struct prompt_content content = {.own_stream = 7};
    kv_cache_init(&cache, 8, 16, 2);
    kv_cache_identify_blocks(&cache);
    kv_cache_allocate(&cache, 0, 3);
    block_cache_note(&cache.blocks, 0, &content, 40);
    kv_cache_free_blocks(&cache, 0);
    assert_int_equal(cache.free_blocks, 8);
    struct prefix_hit hit = block_cache_find(&cache.blocks, &content, 3);
    assert_int_equal(hit.blocks, 2);
    kv_cache_share(&cache, 1, &content, hit);
    assert_int_equal(cache.free_blocks, 6);
    assert_int_equal(cache.held_blocks[1], 2);
    kv_cache_free_blocks(&cache, 1);
    assert_int_equal(cache.free_blocks, 8);
    kv_cache_clear(&cache);
}

/* Engines with a cache of their own only tell. */
static void test_told_from_outside(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 100, 1, 1);
    kv_cache_hold(&cache, 0, 30);
    kv_cache_set_free(&cache, 70);
    assert_int_equal(cache.held_blocks[0], 30);
    assert_near(kv_cache_utilization(&cache), 0.3, 1e-12);
    kv_cache_clear(&cache);
}

static void test_blocks_are_conserved(void **state)
{
    (void)state;
    struct kv_cache cache;
    kv_cache_init(&cache, 10, 16, 2);
    assert_int_equal(kv_cache_blocks_for(&cache, 0), 0);
    assert_int_equal(kv_cache_blocks_for(&cache, 16), 1);
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 17), 2);
    kv_cache_allocate(&cache, 0, 2);
    assert_int_equal(kv_cache_missing_blocks(&cache, 0, 32), 0);
    kv_cache_allocate(&cache, 1, 8);
    assert_near(kv_cache_utilization(&cache), 1, 0);
    kv_cache_free_blocks(&cache, 0);
    assert_int_equal(cache.free_blocks, 2);
    kv_cache_clear(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_for_tokens),     cmocka_unit_test(test_allocate_and_free),
        cmocka_unit_test(test_take_now_commit_later), cmocka_unit_test(test_shares_known_blocks),
        cmocka_unit_test(test_told_from_outside),     cmocka_unit_test(test_blocks_are_conserved),
    };
    return cmocka_run_group_tests_name("KV cache", tests, NULL, NULL);
}
