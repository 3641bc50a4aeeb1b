#include "sim/kv/radix_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

enum { MIN_BUCKETS = 64 };

static uint64_t length_of(const struct radix_node *node)
{
    return node->to - node->from;
}

/* A child is known by its parent and the stream that its first token comes from: no two children
 * of one node begin alike. */
static uint32_t *bucket_of(const struct radix_tree *tree, uint32_t parent, uint64_t stream)
{
    return &tree->buckets[random_bits_at(stream, parent) & (tree->bucket_count - 1)];
}

static uint64_t first_stream(const struct radix_node *node)
{
    return prompt_content_at(&node->content, node->from).stream;
}

static void link_child(struct radix_tree *tree, uint32_t child)
{
    struct radix_node *node = &tree->nodes[child];
    uint32_t *bucket = bucket_of(tree, node->parent, first_stream(node));
    node->next = *bucket;
    *bucket = child;
}

static void unlink_child(struct radix_tree *tree, uint32_t child)
{
    const struct radix_node *node = &tree->nodes[child];
    uint32_t *link = bucket_of(tree, node->parent, first_stream(node));
    while (*link != child) {
        assert(*link != RADIX_ROOT);
        link = &tree->nodes[*link].next;
    }
    *link = node->next;
}

static void grow_buckets(struct radix_tree *tree)
{
    uint32_t count = tree->bucket_count > 0 ? 2 * tree->bucket_count : MIN_BUCKETS;
    free(tree->buckets);
    tree->buckets = memory_zeroed(count, sizeof tree->buckets[0]);
    tree->bucket_count = count;
    for (uint32_t i = 1; i < tree->node_count; i++) {
        if (tree->nodes[i].to > 0) {
            link_child(tree, i);
        }
    }
}

static uint32_t make_node(struct radix_tree *tree)
{
    uint32_t node = tree->first_unused;
    if (node != RADIX_ROOT) {
        tree->first_unused = tree->nodes[node].next;
    } else {
        if (tree->node_count >= tree->bucket_count) {
            grow_buckets(tree);
        }
        node = tree->node_count++;
        tree->nodes =
            memory_grow(tree->nodes, &tree->node_capacity, tree->node_count, sizeof tree->nodes[0]);
    }
    memset(&tree->nodes[node], 0, sizeof tree->nodes[node]);
    return node;
}

void radix_tree_init(struct radix_tree *tree)
{
    memset(tree, 0, sizeof *tree);
    uint32_t root = make_node(tree);
    assert(root == RADIX_ROOT);
    (void)root;
}

void radix_tree_clear(struct radix_tree *tree)
{
    eviction_queue_clear(&tree->evictions);
    free(tree->nodes);
    free(tree->buckets);
    memset(tree, 0, sizeof *tree);
}

/* A leaf that no request uses can be evicted. A parent is used no earlier than its children, so it
 * follows them. */
static void requeue(struct radix_tree *tree, uint32_t index)
{
    const struct radix_node *node = &tree->nodes[index];
    if (index != RADIX_ROOT && node->child_count == 0 && node->locks == 0) {
        eviction_queue_put(&tree->evictions, index, node->used);
    } else {
        eviction_queue_remove(&tree->evictions, index);
    }
}

/* The first position from 'from' on, at most 'to', where the two differ. */
static uint32_t first_difference(const struct prompt_content *a, const struct prompt_content *b,
                                 uint32_t from, uint32_t to)
{
    while (from < to) {
        struct prompt_part of_a = prompt_content_at(a, from);
        struct prompt_part of_b = prompt_content_at(b, from);
        if (of_a.stream != of_b.stream) {
            return from;
        }
        from = of_a.end < of_b.end ? of_a.end : of_b.end;
    }
    return to;
}

static uint32_t find_child(const struct radix_tree *tree, uint32_t parent,
                           const struct prompt_content *content, uint32_t position)
{
    uint64_t stream = prompt_content_at(content, position).stream;
    uint32_t child = *bucket_of(tree, parent, stream);
    while (child != RADIX_ROOT &&
           (tree->nodes[child].parent != parent || first_stream(&tree->nodes[child]) != stream)) {
        child = tree->nodes[child].next;
    }
    return child;
}

/* Cuts a node in two; returns the upper one, which takes its place below its parent. */
static uint32_t split(struct radix_tree *tree, uint32_t lower, uint32_t position)
{
    assert(position > tree->nodes[lower].from && position < tree->nodes[lower].to);
    uint32_t upper = make_node(tree);
    unlink_child(tree, lower);
    tree->nodes[upper] = tree->nodes[lower];
    tree->nodes[upper].to = position;
    tree->nodes[upper].child_count = 1;
    link_child(tree, upper);
    tree->nodes[lower].from = position;
    tree->nodes[lower].parent = upper;
    link_child(tree, lower);
    return upper;
}

uint32_t radix_tree_find(const struct radix_tree *tree, const struct prompt_content *content,
                         uint32_t most)
{
    uint32_t tokens = 0;
    uint32_t place = RADIX_ROOT;
    while (tokens < most) {
        place = find_child(tree, place, content, tokens);
        if (place == RADIX_ROOT) {
            break;
        }
        const struct radix_node *node = &tree->nodes[place];
        uint32_t end = node->to < most ? node->to : most;
        tokens = first_difference(content, &node->content, tokens, end);
        if (tokens < node->to) {
            break;
        }
    }
    return tokens;
}

struct radix_place radix_tree_match(struct radix_tree *tree, const struct prompt_content *content,
                                    uint32_t most)
{
    struct radix_place place = {RADIX_ROOT, 0};
    uint64_t now = ++tree->clock;
    tree->nodes[RADIX_ROOT].used = now;
    while (place.tokens < most) {
        uint32_t child = find_child(tree, place.node, content, place.tokens);
        if (child == RADIX_ROOT) {
            break;
        }
        const struct radix_node *node = &tree->nodes[child];
        assert(node->from == place.tokens);
        uint32_t end = node->to < most ? node->to : most;
        uint32_t reached = first_difference(content, &node->content, place.tokens, end);
        bool whole = reached == node->to;
        tree->nodes[child].used = now;
        place.node = whole ? child : split(tree, child, reached);
        place.tokens = reached;
        requeue(tree, child);
        if (!whole) {
            break;
        }
    }
    assert(place.tokens <= most);
    return place;
}

uint32_t radix_tree_insert(struct radix_tree *tree, const struct prompt_content *content,
                           uint32_t tokens, uint32_t *ret_node)
{
    struct radix_place place = radix_tree_match(tree, content, tokens);
    *ret_node = place.node;
    if (place.tokens < tokens) {
        uint32_t leaf = make_node(tree);
        tree->nodes[leaf].content = *content;
        tree->nodes[leaf].from = place.tokens;
        tree->nodes[leaf].to = tokens;
        tree->nodes[leaf].used = tree->clock;
        tree->nodes[leaf].parent = place.node;
        tree->nodes[place.node].child_count++;
        link_child(tree, leaf);
        requeue(tree, place.node);
        requeue(tree, leaf);
        tree->evictable += tokens - place.tokens;
        *ret_node = leaf;
    }
    return place.tokens;
}

void radix_tree_lock(struct radix_tree *tree, uint32_t node)
{
    for (; node != RADIX_ROOT; node = tree->nodes[node].parent) {
        if (tree->nodes[node].locks++ == 0) {
            tree->evictable -= length_of(&tree->nodes[node]);
            tree->locked += length_of(&tree->nodes[node]);
            requeue(tree, node);
        }
    }
}

void radix_tree_unlock(struct radix_tree *tree, uint32_t node)
{
    for (; node != RADIX_ROOT; node = tree->nodes[node].parent) {
        assert(tree->nodes[node].locks > 0);
        if (--tree->nodes[node].locks == 0) {
            tree->evictable += length_of(&tree->nodes[node]);
            tree->locked -= length_of(&tree->nodes[node]);
            requeue(tree, node);
        }
    }
}

static void remove_leaf(struct radix_tree *tree, uint32_t leaf)
{
    assert(tree->nodes[leaf].child_count == 0 && tree->nodes[leaf].locks == 0);
    uint32_t parent = tree->nodes[leaf].parent;
    eviction_queue_remove(&tree->evictions, leaf);
    unlink_child(tree, leaf);
    memset(&tree->nodes[leaf], 0, sizeof tree->nodes[leaf]);
    tree->nodes[leaf].next = tree->first_unused;
    tree->first_unused = leaf;
    tree->nodes[parent].child_count--;
    requeue(tree, parent);
}

uint64_t radix_tree_evict(struct radix_tree *tree, uint64_t tokens)
{
    uint64_t freed = 0;
    while (freed < tokens && tree->evictions.count > 0) {
        uint32_t leaf = eviction_queue_first(&tree->evictions);
        uint64_t length = length_of(&tree->nodes[leaf]);
        if (tree->trims_leaves && length > tokens - freed) {
            tree->nodes[leaf].to -= (uint32_t)(tokens - freed);
            tree->evictable -= tokens - freed;
            return tokens;
        }
        assert(tree->evictable >= length);
        freed += length;
        tree->evictable -= length;
        remove_leaf(tree, leaf);
    }
    return freed;
}
