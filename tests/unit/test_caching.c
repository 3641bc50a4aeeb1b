/* Prefix caches and speculation: blocks known by what they hold, the radix tree, drafts. */
#include "tests/unit/check.h"

#include <math.h>

#include "sim/engines/speculation.h"
#include "sim/kv/block_cache.h"
#include "sim/kv/radix_tree.h"

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

static void test_tree_splits_where_contents_part(void **state)
{
    (void)state;
    struct radix_tree tree;
    struct prompt_content first = shared(1, 10, 100);
    struct prompt_content second = shared(1, 10, 200);
    uint32_t node = RADIX_ROOT;
    radix_tree_init(&tree);
    assert_int_equal(radix_tree_insert(&tree, &first, 30, &node), 0);
    assert_int_equal(radix_tree_insert(&tree, &second, 15, &node), 10);
    assert_int_equal(tree.evictable, 35);
    assert_int_equal(radix_tree_match(&tree, &first, 100).tokens, 30);
    assert_int_equal(radix_tree_match(&tree, &second, 12).tokens, 12);
    radix_tree_clear(&tree);
}

static void test_tree_evicts_what_nobody_uses(void **state)
{
    (void)state;
    struct radix_tree tree;
    struct prompt_content first = shared(1, 10, 100);
    struct prompt_content second = shared(1, 10, 200);
    uint32_t of_first = RADIX_ROOT;
    uint32_t of_second = RADIX_ROOT;
    radix_tree_init(&tree);
    radix_tree_insert(&tree, &first, 30, &of_first);
    radix_tree_insert(&tree, &second, 15, &of_second);
    of_first = radix_tree_match(&tree, &first, 30).node;
    radix_tree_lock(&tree, of_first);
    assert_int_equal(tree.locked, 30);
    assert_int_equal(radix_tree_evict(&tree, 1000), 5); /* the rest of 'second' */
    assert_int_equal(tree.evictable, 0);
    radix_tree_unlock(&tree, of_first);
    assert_int_equal(tree.evictable, 30);
    assert_int_equal(radix_tree_evict(&tree, 3), 20); /* whole leaves */
    tree.trims_leaves = true;
    assert_int_equal(radix_tree_evict(&tree, 3), 3);
    assert_int_equal(radix_tree_match(&tree, &first, 30).tokens, 7);
    radix_tree_clear(&tree);
}

static void test_drafts_yield_what_was_asked(void **state)
{
    (void)state;
    enum { VERIFICATIONS = 200000 };
    for (uint32_t drafts = 1; drafts <= 8; drafts *= 2) {
        double wanted = 1.45;
        struct request request = {
            .truth.drafts = {.probability = speculation_probability(wanted, drafts), .key = 5}};
        double tokens = 0;
        for (int i = 0; i < VERIFICATIONS; i++) {
            tokens += 1 + speculation_verify(&request, drafts);
        }
        assert_true(fabs(tokens / VERIFICATIONS - wanted) < 0.01);
    }
}

static void test_drafts_never_right_or_always(void **state)
{
    (void)state;
    struct request request = {.truth.drafts = {.probability = 0}};
    assert_int_equal(speculation_verify(&request, 4), 0);
    request.truth.drafts.probability = 1 - 1e-12;
    assert_int_equal(speculation_verify(&request, 4), 4);
    assert_int_equal(request.verifications, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_of_parts),
        cmocka_unit_test(test_blocks_are_found_by_content),
        cmocka_unit_test(test_blocks_are_evicted_from_the_end),
        cmocka_unit_test(test_tree_splits_where_contents_part),
        cmocka_unit_test(test_tree_evicts_what_nobody_uses),
        cmocka_unit_test(test_drafts_yield_what_was_asked),
        cmocka_unit_test(test_drafts_never_right_or_always),
    };
    return cmocka_run_group_tests_name("caching and speculation", tests, NULL, NULL);
}
