#include "sim/kv/radix_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

static uint32_t make_node(struct radix_tree *tree)
{
    uint32_t node = tree->first_unused;
    if (node != RADIX_ROOT) {
        tree->first_unused = tree->nodes[node].next_sibling;
    } else {
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
    make_node(tree); /* the root */
}

void radix_tree_clear(struct radix_tree *tree)
{
    free(tree->nodes);
    memset(tree, 0, sizeof *tree);
}

static uint64_t length_of(const struct radix_node *node)
{
    return node->to - node->from;
}

static void add_child(struct radix_tree *tree, uint32_t parent, uint32_t child)
{
    tree->nodes[child].parent = parent;
    tree->nodes[child].next_sibling = tree->nodes[parent].first_child;
    tree->nodes[parent].first_child = child;
}

/* The place that names the child. */
static uint32_t *place_of(struct radix_tree *tree, uint32_t child)
{
    uint32_t *place = &tree->nodes[tree->nodes[child].parent].first_child;
    while (*place != child) {
        place = &tree->nodes[*place].next_sibling;
    }
    return place;
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

static uint32_t find_child(const struct radix_tree *tree, uint32_t node,
                           const struct prompt_content *content, uint32_t position)
{
    uint64_t stream = prompt_content_at(content, position).stream;
    uint32_t child = tree->nodes[node].first_child;
    while (child != RADIX_ROOT &&
           prompt_content_at(&tree->nodes[child].content, position).stream != stream) {
        child = tree->nodes[child].next_sibling;
    }
    return child;
}

/* Cuts a node in two; returns the upper one. */
static uint32_t split(struct radix_tree *tree, uint32_t lower, uint32_t position)
{
    uint32_t upper = make_node(tree);
    *place_of(tree, lower) = upper;
    struct radix_node *below = &tree->nodes[lower];
    struct radix_node *above = &tree->nodes[upper];
    *above = *below;
    above->to = position;
    above->first_child = lower;
    below->from = position;
    below->parent = upper;
    below->next_sibling = RADIX_ROOT;
    return upper;
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
        uint32_t end = node->to < most ? node->to : most;
        uint32_t reached = first_difference(content, &node->content, place.tokens, end);
        bool whole = reached == node->to;
        tree->nodes[child].used = now;
        place.node = whole ? child : split(tree, child, reached);
        place.tokens = reached;
        if (!whole) {
            break;
        }
    }
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
        add_child(tree, place.node, leaf);
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
        }
    }
}

/* The leaf that nobody uses, used least recently; RADIX_ROOT without one. A parent is used no
 * earlier than its children, so it follows them. */
static uint32_t oldest_leaf(const struct radix_tree *tree)
{
    uint32_t oldest = RADIX_ROOT;
    for (uint32_t i = 1; i < tree->node_count; i++) {
        const struct radix_node *node = &tree->nodes[i];
        if (node->to > 0 && node->first_child == RADIX_ROOT && node->locks == 0 &&
            (oldest == RADIX_ROOT || node->used < tree->nodes[oldest].used)) {
            oldest = i;
        }
    }
    return oldest;
}

uint64_t radix_tree_evict(struct radix_tree *tree, uint64_t tokens)
{
    uint64_t freed = 0;
    while (freed < tokens && tree->evictable > 0) {
        uint32_t leaf = oldest_leaf(tree);
        if (leaf == RADIX_ROOT) {
            break;
        }
        uint64_t length = length_of(&tree->nodes[leaf]);
        if (tree->trims_leaves && length > tokens - freed) {
            tree->nodes[leaf].to -= (uint32_t)(tokens - freed);
            tree->evictable -= tokens - freed;
            return tokens;
        }
        freed += length;
        tree->evictable -= length_of(&tree->nodes[leaf]);
        *place_of(tree, leaf) = tree->nodes[leaf].next_sibling;
        memset(&tree->nodes[leaf], 0, sizeof tree->nodes[leaf]);
        tree->nodes[leaf].next_sibling = tree->first_unused;
        tree->first_unused = leaf;
    }
    return freed;
}
