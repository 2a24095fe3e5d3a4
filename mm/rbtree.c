// SPDX-License-Identifier: MIT
#include "mm/rbtree.h"

#include "mm/arch.h"

static bool is_red(const struct rb_node *node)
{
	return node && node->red;
}

static bool is_right(const struct rb_node *node)
{
	return node == node->parent->child[RB_RIGHT];
}

static void refresh(const struct rb_root *root, struct rb_node *node)
{
	if (root->update)
		root->update(node);
}

void rb_propagate(const struct rb_root *root, struct rb_node *node)
{
	if (!root->update)
		return;
	while (node && root->update(node))
		node = node->parent;
}

/* Let `new`, which may be NULL, hang where `old` hangs. */
static void replace(struct rb_root *root, struct rb_node *old, struct rb_node *new)
{
	if (!old->parent)
		root->node = new;
	else
		old->parent->child[is_right(old)] = new;
	if (new)
		new->parent = old->parent;
}

/*
 * `node` goes down to `side`, its child on the other side comes up. For side = RB_LEFT:
 *
 *	   node                up
 *	  /    \              /  \
 *	 a      up    ->   node   c
 *	       /  \        /  \
 *	      b    c      a    b
 *
 * The subtree holds the same nodes as before, so the summaries above it stand.
 */
static void rotate(struct rb_root *root, struct rb_node *node, unsigned side)
{
	struct rb_node *up = node->child[!side];
	struct rb_node *inner = up->child[side];

	replace(root, node, up);
	node->child[!side] = inner;
	if (inner)
		inner->parent = node;
	up->child[side] = node;
	node->parent = up;
	refresh(root, node);
	refresh(root, up);
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link)
{
	node->parent = parent;
	node->child[RB_LEFT] = node->child[RB_RIGHT] = NULL;
	node->red = true; /* keeps (c) */
	*link = node;
	refresh(root, node);
	rb_propagate(root, parent);

	/* Only (b) can be broken, and only between node and its parent. */
	while (is_red(node->parent)) {
		struct rb_node *grand;
		unsigned side;

		parent = node->parent;
		grand = parent->parent; /* a red parent is not the root */
		side = is_right(parent);
		if (is_red(grand->child[!side])) {
			/* Red uncle: both generations change colour, the conflict moves up. */
			parent->red = grand->child[!side]->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (is_right(node) != side) {
			rotate(root, parent, side);
			parent = node; /* their roles are swapped */
		}
		parent->red = false;
		grand->red = true;
		rotate(root, grand, !side);
		break;
	}
	root->node->red = false;
}

/* Exchange the places and colours of `node`, which has two children, and its successor. */
static struct rb_node *swap_with_successor(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *next = rb_next(node);
	struct rb_node *parent = next->parent, *right = next->child[RB_RIGHT];
	bool red = next->red;

	replace(root, node, next);
	next->red = node->red;
	next->child[RB_LEFT] = node->child[RB_LEFT];
	next->child[RB_LEFT]->parent = next;
	if (parent == node) {
		next->child[RB_RIGHT] = node;
		node->parent = next;
	} else {
		next->child[RB_RIGHT] = node->child[RB_RIGHT];
		next->child[RB_RIGHT]->parent = next;
		parent->child[RB_LEFT] = node;
		node->parent = parent;
	}
	node->red = red;
	node->child[RB_LEFT] = NULL;
	node->child[RB_RIGHT] = right;
	if (right)
		right->parent = node;
	return next;
}

/* The ways through `node` (maybe NULL, below `parent`) lack one black node: mend (c). */
static void mend_erase(struct rb_root *root, struct rb_node *node, struct rb_node *parent)
{
	while (parent && !is_red(node)) {
		/* The sibling exists: its side has one black node more. */
		unsigned side = parent->child[RB_RIGHT] == node;
		struct rb_node *sibling = parent->child[!side];

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(root, parent, side);
			sibling = parent->child[!side];
		}
		if (!is_red(sibling->child[RB_LEFT]) && !is_red(sibling->child[RB_RIGHT])) {
			/* Take one from the sibling's side, too, and look a level higher. */
			sibling->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!is_red(sibling->child[!side])) {
			sibling->child[side]->red = false;
			sibling->red = true;
			rotate(root, sibling, !side);
			sibling = parent->child[!side];
		}
		sibling->red = parent->red;
		parent->red = false;
		sibling->child[!side]->red = false;
		rotate(root, parent, side);
		return;
	}
	if (node)
		node->red = false;
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *moved = NULL, *child, *parent;

	if (node->child[RB_LEFT] && node->child[RB_RIGHT])
		moved = swap_with_successor(root, node);
	child = node->child[node->child[RB_LEFT] ? RB_LEFT : RB_RIGHT];
	parent = node->parent;
	replace(root, node, child);

	rb_propagate(root, parent);
	if (moved) {
		/* Its summary was that of a lower place: what is above must look again. */
		refresh(root, moved);
		rb_propagate(root, moved->parent);
	}
	if (!node->red)
		mend_erase(root, child, parent);
}

static struct rb_node *outermost(struct rb_node *node, enum rb_side side)
{
	while (node && node->child[side])
		node = node->child[side];
	return node;
}

/* The nearest node on `side` of `node`, in order. */
static struct rb_node *neighbour(const struct rb_node *node, enum rb_side side)
{
	if (node->child[side])
		return outermost(node->child[side], !side);
	while (node->parent && node == node->parent->child[side])
		node = node->parent;
	return node->parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, RB_LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, RB_RIGHT);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, RB_RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, RB_LEFT);
}

/* --- the checker ------------------------------------------------------------------------------ */

#define MAX_DEPTH 64 /* 2 log2(2^32): deeper is a cycle */

struct check {
	const struct rb_root *root;
	const char *name;
	bool (*before)(const struct rb_node *x, const struct rb_node *y);
	const struct rb_node *last; /* visited, in order */
	uint32_t nodes;
	unsigned bad;
};

static void complain(struct check *c, const struct rb_node *node, const char *what)
{
	arch_printk("%s: node %08x: %s\n", c->name, arch_vaddr(node), what);
	c->bad++;
}

/* Returns the black nodes on the ways down from `node`. */
static unsigned check_subtree(struct check *c, struct rb_node *node, unsigned depth)
{
	unsigned black[2];

	if (!node)
		return 0;
	if (depth > MAX_DEPTH) {
		complain(c, node, "too deep, or a cycle");
		return 0;
	}
	for (unsigned side = RB_LEFT; side <= RB_RIGHT; side++) {
		struct rb_node *child = node->child[side];

		if (child && child->parent != node)
			complain(c, child, "its parent pointer leads elsewhere"); /* (d) */
		if (node->red && is_red(child))
			complain(c, child, "red below red"); /* (b) */
		black[side] = check_subtree(c, child, depth + 1);
		if (side == RB_RIGHT)
			break;
		if (c->last && !c->before(c->last, node))
			complain(c, node, "out of order");
		c->last = node;
		c->nodes++;
	}
	if (black[RB_LEFT] != black[RB_RIGHT])
		complain(c, node, "not as many black nodes on the left as on the right"); /* (c) */
	if (c->root->update && c->root->update(node))
		complain(c, node, "summary of its subtree out of date");
	return black[RB_RIGHT] + !node->red;
}

unsigned rb_check(const struct rb_root *root, const char *name,
		  bool (*before)(const struct rb_node *x, const struct rb_node *y), uint32_t *nodes)
{
	struct check c = { .root = root, .name = name, .before = before };

	if (is_red(root->node))
		complain(&c, root->node, "the root is red"); /* (a) */
	if (root->node && root->node->parent)
		complain(&c, root->node, "the root has a parent"); /* (d) */
	check_subtree(&c, root->node, 0);
	if (nodes)
		*nodes = c.nodes;
	return c.bad;
}
