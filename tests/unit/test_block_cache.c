/* Blocks known by what they hold. */
#include "tests/unit/check.h"

#include "sim/kv/block_cache.h"

static struct prompt_content shared(uint64_t stream, uint32_t end, uint64_t own)
{
    return (struct prompt_content){.parts = {{.stream = stream, .end = end}}, .own_stream = own};
}

static void test_content_of_parts(void **state)
{
    (void)state;
    struct prompt_content content = {.parts = {{7, 10}, {8, 25}}, .own_stream = 9};
    assert_int_equal(prompt_content_at(&content, 0).stream, 7);
    assert_int_equal(prompt_content_at(&content, 9).end, 10);
    assert_int_equal(prompt_content_at(&content, 10).stream, 8);
    assert_int_equal(prompt_content_at(&content, 25).stream, 9);
}

/* Full blocks of equal beginnings are found, the one in which they part is not. */
static void test_blocks_are_found_by_content(void **state)
{
    (void)state;
    struct block_cache cache;
    struct prompt_content first = shared(1, 40, 100);
    struct prompt_content second = shared(1, 40, 200);
    block_cache_init(&cache, 10, 16);
    block_cache_grow(&cache, 2);
    assert_int_equal(block_cache_find(&cache, &first, 5).blocks, 0);
    block_cache_take(&cache, 0, 4);
    block_cache_note(&cache, 0, &first, 60);
    struct prefix_hit hit = block_cache_find(&cache, &second, 5);
    assert_int_equal(hit.blocks, 2); /* 32 of the 40 tokens in common */
    assert_int_equal(hit.free, 0);
    assert_int_equal(block_cache_find(&cache, &first, 5).blocks, 3);
    assert_int_equal(block_cache_release(&cache, 0), 4);
    hit = block_cache_find(&cache, &second, 5);
    assert_int_equal(hit.free, 2);
    block_cache_share(&cache, 1, &second, hit.blocks);
    assert_int_equal(block_cache_release(&cache, 1), 2);
    block_cache_clear(&cache);
}

/* Blocks that hold nothing known go first, then of a sequence its end before its beginning. */
static void test_blocks_are_evicted_from_the_end(void **state)
{
    (void)state;
    struct block_cache cache;
    struct prompt_content content = shared(1, 48, 100);
    block_cache_init(&cache, 4, 16);
    block_cache_grow(&cache, 2);
    block_cache_take(&cache, 0, 4);
    block_cache_note(&cache, 0, &content, 48);
    block_cache_release(&cache, 0);
    block_cache_take(&cache, 1, 1);
    assert_int_equal(block_cache_find(&cache, &content, 3).blocks, 3);
    block_cache_take(&cache, 1, 1);
    assert_int_equal(block_cache_find(&cache, &content, 3).blocks, 2);
    block_cache_take(&cache, 1, 2);
    assert_int_equal(block_cache_find(&cache, &content, 3).blocks, 0);
    block_cache_release(&cache, 1);
    block_cache_clear(&cache);
}

/* A block that two requests share is freed when the second gives it back. */
static void test_shared_blocks_stay_until_the_last_lets_go(void **state)
{
    (void)state;
    struct block_cache cache;
    struct prompt_content content = shared(1, 32, 100);
    block_cache_init(&cache, 4, 16);
    block_cache_grow(&cache, 2);
    block_cache_take(&cache, 0, 2);
    block_cache_note(&cache, 0, &content, 32);
    block_cache_share(&cache, 1, &content, 2);
    assert_int_equal(block_cache_find(&cache, &content, 2).free, 0);
    assert_int_equal(block_cache_release(&cache, 0), 0);
    assert_int_equal(block_cache_release(&cache, 1), 2);
    assert_int_equal(block_cache_find(&cache, &content, 2).free, 2);
    block_cache_clear(&cache);
}

/* Blocks that the current scheduling pass noted are told apart from older ones. */
static void test_blocks_noted_by_this_call(void **state)
{
    (void)state;
    struct block_cache cache;
    struct prompt_content content = shared(1, 48, 100);
    block_cache_init(&cache, 4, 16);
    block_cache_grow(&cache, 1);
    block_cache_take(&cache, 0, 3);
    block_cache_note(&cache, 0, &content, 16);
    cache.call++;
    block_cache_note(&cache, 0, &content, 48);
    assert_int_equal(block_cache_find(&cache, &content, 3).blocks, 3);
    assert_int_equal(block_cache_find(&cache, &content, 3).noted_before, 1);
    block_cache_release(&cache, 0);
    block_cache_clear(&cache);
}

/* Where freed blocks queue up behind all others, even blocks of unknown content do. */
static void test_frees_to_tail(void **state)
{
    (void)state;
    for (int to_tail = 0; to_tail < 2; to_tail++) {
        struct block_cache cache;
        struct prompt_content content = shared(1, 16, 100);
        block_cache_init(&cache, 2, 16);
        block_cache_grow(&cache, 2);
        cache.frees_to_tail = to_tail > 0;
        block_cache_take(&cache, 0, 1);
        block_cache_note(&cache, 0, &content, 16);
        block_cache_take(&cache, 1, 1);
        block_cache_release(&cache, 0); /* known, freed first */
        block_cache_release(&cache, 1); /* unknown, freed second */
        block_cache_take(&cache, 1, 1);
        assert_int_equal(block_cache_find(&cache, &content, 1).blocks, to_tail > 0 ? 0 : 1);
        block_cache_clear(&cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_of_parts),
        cmocka_unit_test(test_blocks_are_found_by_content),
        cmocka_unit_test(test_blocks_are_evicted_from_the_end),
        cmocka_unit_test(test_shared_blocks_stay_until_the_last_lets_go),
        cmocka_unit_test(test_blocks_noted_by_this_call),
        cmocka_unit_test(test_frees_to_tail),
    };
    return cmocka_run_group_tests_name("block cache", tests, NULL, NULL);
}
