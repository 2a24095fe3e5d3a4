/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees whose nodes are embedded in what they order (Cormen et al., Introduction to
 * Algorithms, chapter 13).
 *
 * Invariants (rb_check() verifies them):
 *  (a) the root is black;
 *  (b) a red node has no red child;
 *  (c) all ways from the root down to a missing child pass the same number of black nodes;
 *  (d) a child's parent pointer leads back.
 * So the longest way is at most twice the shortest, and n nodes are at most 2 log2(n + 1) deep.
 *
 * A tree may be augmented: `update` then keeps in each node a summary of the subtree below it, such
 * as the largest hole. It is called from the bottom up for every node whose subtree changed.
 *
 * The caller finds the place of a new node itself, so that the comparison is inlined there:
 *
 *	struct rb_node **link = &root->node, *parent = NULL;
 *
 *	while (*link) {
 *		parent = *link;
 *		link = &parent->child[key >= key_of(parent)];
 *	}
 *	rb_insert(root, node, parent, link);
 *
 * No locking: a tree belongs to whoever embeds it.
 */
#ifndef MM_RBTREE_H
#define MM_RBTREE_H

#include "mm/types.h"

enum rb_side { RB_LEFT, RB_RIGHT };

struct rb_node {
	struct rb_node *parent; /* NULL at the root */
	struct rb_node *child[2];
	bool red;
};

struct rb_root {
	struct rb_node *node; /* NULL: empty */
	/*
	 * Recompute node's summary from its own value and its children's summaries: did it change?
	 */
	bool (*update)(struct rb_node *node); /* NULL: not augmented */
};

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

/* Put `node` into the empty place *link below `parent` (NULL: it becomes the root). */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link);

/* Take `node` out; it must be in the tree. Its links mean nothing afterwards. */
void rb_erase(struct rb_root *root, struct rb_node *node);

/* The value of `node` itself changed: bring the summaries on the way up to date. */
void rb_propagate(const struct rb_root *root, struct rb_node *node);

/* In order. NULL: there is none. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * Verify (a)..(d), that before(x, y) holds for each x and its successor y, and that no summary
 * changes when it is recomputed. Returns the number of violations, each printed under `name`;
 * *nodes, if not NULL, gets the number of nodes.
 */
unsigned rb_check(const struct rb_root *root, const char *name,
		  bool (*before)(const struct rb_node *x, const struct rb_node *y),
		  uint32_t *nodes);

#endif
