/* SGLang's radix tree over what sequences hold (mem_cache/radix_cache.py, 0.4.6.post1): tokens of
 * equal beginnings are kept once, locked while a request uses them, and evicted leaf by leaf, the
 * least recently used first. The tree counts tokens and does not know where they lie. */
#ifndef SIM_KV_RADIX_TREE_H
#define SIM_KV_RADIX_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/kv/eviction_queue.h"
#include "sim/kv/prompt_content.h"

enum { RADIX_ROOT = 0 };

struct radix_node {
    struct prompt_content content; /* whose tokens from 'from' to before 'to' it holds */
    uint32_t from;
    uint32_t to;
    uint32_t parent;
    uint32_t child_count;
    uint32_t next; /* in its bucket, or among the unused nodes; RADIX_ROOT: the last */
    uint32_t locks;
    uint64_t used; /* when last, by the tree's clock */
};

struct radix_tree {
    struct radix_node *nodes;
    uint32_t node_count;
    size_t node_capacity;
    uint32_t first_unused;           /* node, or RADIX_ROOT */
    uint32_t *buckets;               /* nodes by their parent and the stream of their first token */
    uint32_t bucket_count;           /* a power of two */
    struct eviction_queue evictions; /* leaves that no request uses */
    bool trims_leaves;               /* evicts the end of a leaf and no more than asked */
    uint64_t clock;
    uint64_t evictable; /* tokens that no request uses */
    uint64_t locked;    /* tokens that some request uses */
};

/* A position in the tree: the node that ends there, and how many tokens lead to it. */
struct radix_place {
    uint32_t node;
    uint32_t tokens;
};

void radix_tree_init(struct radix_tree *tree);
void radix_tree_clear(struct radix_tree *tree);

/* The longest beginning of 'content', at most 'most' tokens, that is there; it counts as used. */
struct radix_place radix_tree_match(struct radix_tree *tree, const struct prompt_content *content,
                                    uint32_t most);

/* How long it is, for somebody who only looks: the tree stays as it is. */
uint32_t radix_tree_find(const struct radix_tree *tree, const struct prompt_content *content,
                         uint32_t most);

/* Adds the first 'tokens' tokens. Returns how many of them were there before; '*ret_node' is where
 * they end. */
uint32_t radix_tree_insert(struct radix_tree *tree, const struct prompt_content *content,
                           uint32_t tokens, uint32_t *ret_node);

/* All from the root to the node are in use once more, or once less. */
void radix_tree_lock(struct radix_tree *tree, uint32_t node);
void radix_tree_unlock(struct radix_tree *tree, uint32_t node);

/* Evicts whole leaves until at least 'tokens' are freed or none is left; returns how many were. A
 * tree that trims its leaves frees no more than asked. */
uint64_t radix_tree_evict(struct radix_tree *tree, uint64_t tokens);

#endif
