/* The radix tree: splitting, locking, evicting. */
#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/kv/radix_tree.h"

static struct prompt_content shared(uint64_t stream, uint32_t end, uint64_t own)
{
    return (struct prompt_content){.parts = {{.stream = stream, .end = end}}, .own_stream = own};
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
    assert_int_equal(radix_tree_find(&tree, &second, 100), 15);
    assert_int_equal(radix_tree_find(&tree, &first, 25), 25);
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

/* The leaf that was used least recently goes first, and its parent only after it. */
static void test_tree_evicts_the_least_recently_used(void **state)
{
    (void)state;
    struct radix_tree tree;
    uint32_t node = RADIX_ROOT;
    radix_tree_init(&tree);
    for (uint64_t i = 0; i < 4; i++) {
        struct prompt_content content = shared(1, 10, 100 + i);
        radix_tree_insert(&tree, &content, 20, &node);
    }
    struct prompt_content first = shared(1, 10, 100);
    struct prompt_content second = shared(1, 10, 101);
    struct prompt_content third = shared(1, 10, 102);
    radix_tree_match(&tree, &first, 20);
    assert_int_equal(radix_tree_evict(&tree, 1), 10);
    assert_int_equal(radix_tree_match(&tree, &second, 20).tokens, 10);
    assert_int_equal(radix_tree_evict(&tree, 1), 10);
    assert_int_equal(radix_tree_match(&tree, &third, 20).tokens, 10);
    assert_int_equal(radix_tree_match(&tree, &first, 20).tokens, 20);
    assert_int_equal(radix_tree_evict(&tree, 1000), 30);
    assert_int_equal(tree.evictable, 0);
    radix_tree_clear(&tree);
}

/* Tokens of all nodes in use are either evictable or locked. */
static void check_sums(const struct radix_tree *tree)
{
    uint64_t tokens = 0;
    uint32_t leaves = 0;
    for (uint32_t i = 1; i < tree->node_count; i++) {
        const struct radix_node *node = &tree->nodes[i];
        tokens += node->to - node->from;
        if (node->to > 0) {
            bool can_go = node->child_count == 0 && node->locks == 0;
            leaves += can_go;
            assert_int_equal(eviction_queue_has(&tree->evictions, i), can_go);
            assert_true(node->parent == RADIX_ROOT || tree->nodes[node->parent].to == node->from);
            assert_true(node->used <= tree->nodes[node->parent].used);
            assert_true(node->locks <= tree->nodes[node->parent].locks ||
                        node->parent == RADIX_ROOT);
        }
    }
    assert_int_equal(tokens, tree->evictable + tree->locked);
    assert_int_equal(leaves, tree->evictions.count);
}

/* Random beginnings, conversations that grow, locks and evictions keep the tree in order. */
static void test_random_use_keeps_the_sums(void **state)
{
    (void)state;
    enum { OPERATIONS = 4000, LOCKS = 16 };
    struct random_stream *random = random_create(3, "radix tree");
    struct radix_tree tree;
    uint32_t locked[LOCKS] = {0};
    radix_tree_init(&tree);
    for (int i = 0; i < OPERATIONS; i++) {
        struct prompt_content content = {
            .parts = {{1 + random_below(random, 3), random_below(random, 30)}},
            .own_stream = 10 + random_below(random, 40)};
        uint32_t tokens = content.parts[0].end + random_below(random, 60);
        uint32_t slot = random_below(random, LOCKS);
        uint32_t node = RADIX_ROOT;
        uint32_t had = radix_tree_insert(&tree, &content, tokens, &node);
        assert_true(had <= tokens);
        assert_int_equal(radix_tree_match(&tree, &content, tokens).tokens, tokens);
        radix_tree_lock(&tree, node);
        radix_tree_unlock(&tree, locked[slot]);
        locked[slot] = node;
        if (random_below(random, 4) == 0) {
            uint64_t wanted = random_below(random, 100);
            uint64_t could = tree.evictable;
            uint64_t freed = radix_tree_evict(&tree, wanted);
            assert_true(freed >= (wanted < could ? wanted : could));
            assert_int_equal(tree.evictable, could - freed);
        }
        check_sums(&tree);
    }
    radix_tree_clear(&tree);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_splits_where_contents_part),
        cmocka_unit_test(test_tree_evicts_what_nobody_uses),
        cmocka_unit_test(test_tree_evicts_the_least_recently_used),
        cmocka_unit_test(test_random_use_keeps_the_sums),
    };
    return cmocka_run_group_tests_name("radix tree", tests, NULL, NULL);
}
