// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "mm/rbtree.h"
#include "mm_host.h"
#include "unit.h"

/* A node with a key, augmented by the largest value in its subtree. */
struct item {
	struct rb_node node;
	uint32_t key, value, max;
	bool in;
};

static struct item *item_of(const struct rb_node *node)
{
	return rb_entry((struct rb_node *)(uintptr_t)node, struct item, node);
}

static bool update_max(struct rb_node *node)
{
	struct item *item = item_of(node);
	uint32_t max = item->value;

	for (int side = 0; side < 2; side++)
		if (node->child[side] && item_of(node->child[side])->max > max)
			max = item_of(node->child[side])->max;
	if (item->max == max)
		return false;
	item->max = max;
	return true;
}

static bool before(const struct rb_node *x, const struct rb_node *y)
{
	return item_of(x)->key < item_of(y)->key;
}

static void insert(struct rb_root *root, struct item *item)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[item->key > item_of(parent)->key];
	}
	rb_insert(root, &item->node, parent, link);
	item->in = true;
}

static void erase(struct rb_root *root, struct item *item)
{
	rb_erase(root, &item->node);
	item->in = false;
}

static bool valid(const struct rb_root *root, uint32_t count)
{
	uint32_t nodes;

	return rb_check(root, "rb", before, &nodes) == 0 && nodes == count;
}

static unsigned depth(const struct rb_node *node)
{
	unsigned left, right;

	if (!node)
		return 0;
	left = depth(node->child[RB_LEFT]);
	right = depth(node->child[RB_RIGHT]);
	return 1 + (left > right ? left : right);
}

/*
 * Forwards and backwards, the tree holds exactly the items with `in`, whose keys are their index.
 */
static bool walks_right(const struct rb_root *root, const struct item *items, uint32_t count)
{
	const struct rb_node *node = rb_first(root);

	for (uint32_t i = 0; i < count; i++) {
		if (!items[i].in)
			continue;
		if (node != &items[i].node)
			return false;
		node = rb_next(node);
	}
	if (node)
		return false;
	node = rb_last(root);
	for (uint32_t i = count; i--;) {
		if (!items[i].in)
			continue;
		if (node != &items[i].node)
			return false;
		node = rb_prev(node);
	}
	return !node;
}

static uint32_t max_of(const struct item *items, uint32_t count)
{
	uint32_t max = 0;

	for (uint32_t i = 0; i < count; i++)
		if (items[i].in && items[i].value > max)
			max = items[i].value;
	return max;
}

static uint32_t random_number(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void empty_tree_has_no_first_and_no_last(void)
{
	struct rb_root root = { 0 };

	CU_ASSERT_PTR_NULL(rb_first(&root));
	CU_ASSERT_PTR_NULL(rb_last(&root));
	CU_ASSERT(valid(&root, 0));
}

static void swap(unsigned *a, unsigned *b)
{
	unsigned t = *a;

	*a = *b;
	*b = t;
}

static bool next_permutation(unsigned *a, unsigned n)
{
	unsigned i = n - 1, j = n - 1;

	while (i && a[i - 1] >= a[i])
		i--;
	if (!i)
		return false;
	while (a[j] <= a[i - 1])
		j--;
	swap(&a[i - 1], &a[j]);
	for (j = n - 1; i < j; i++, j--)
		swap(&a[i], &a[j]);
	return true;
}

/* All orders of inserting 6 keys; they are erased downwards, beginning at each of them. */
static void every_order_of_six_keeps_the_invariants(void)
{
	enum { N = 6 };
	unsigned order[N] = { 0, 1, 2, 3, 4, 5 }, bad = 0, orders = 0;

	do {
		for (unsigned start = 0; start < N; start++) {
			struct rb_root root = { .update = update_max };
			struct item items[N] = { 0 };

			for (unsigned i = 0; i < N; i++) {
				items[order[i]].key = order[i];
				items[order[i]].value = order[i] * 7 % 5;
				insert(&root, &items[order[i]]);
				bad += !valid(&root, i + 1);
			}
			for (unsigned i = 0; i < N; i++) {
				unsigned n = (i * 5 + start) % N;

				erase(&root, &items[n]);
				bad += !valid(&root, N - 1 - i) || !walks_right(&root, items, N);
			}
		}
		orders++;
	} while (next_permutation(order, N));
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(orders, 720);
}

static void random_inserts_and_erases_agree_with_an_array(void)
{
	enum { N = 1000 };
	static struct item items[N];
	struct rb_root root = { .update = update_max };
	uint32_t seed = 2463534242u, count = 0;
	unsigned bad = 0;

	memset(items, 0, sizeof(items));
	for (unsigned step = 0; step < 40000; step++) {
		struct item *item = &items[random_number(&seed) % N];

		if (item->in) {
			erase(&root, item);
			count--;
		} else {
			item->key = (uint32_t)(item - items);
			item->value = random_number(&seed) % 1000;
			insert(&root, item);
			count++;
		}
		if (count && item_of(root.node)->max != max_of(items, N))
			bad++;
		if (step % 500 == 0)
			bad += !valid(&root, count) || !walks_right(&root, items, N);
	}
	CU_ASSERT_EQUAL(bad, 0);
}

/* 2 log2(n + 1) for n = 100,000 is 33.2 */
static void ascending_keys_stay_balanced(void)
{
	enum { N = 100000 };
	struct item *items = calloc(N, sizeof(*items));
	struct rb_root root = { 0 };

	for (uint32_t i = 0; i < N; i++) {
		items[i].key = i;
		insert(&root, &items[i]);
	}
	CU_ASSERT(depth(root.node) <= 33);
	CU_ASSERT(valid(&root, N));
	for (uint32_t i = 0; i < N; i += 2)
		erase(&root, &items[i]);
	CU_ASSERT(valid(&root, N / 2));
	CU_ASSERT(walks_right(&root, items, N));
	free(items);
}

static void propagate_brings_a_changed_value_to_the_root(void)
{
	struct rb_root root = { .update = update_max };
	struct item items[31] = { 0 };

	for (uint32_t i = 0; i < 31; i++) {
		items[i].key = i;
		insert(&root, &items[i]);
	}
	items[0].value = 9;
	rb_propagate(&root, &items[0].node);
	CU_ASSERT_EQUAL(item_of(root.node)->max, 9);
	items[0].value = 1;
	rb_propagate(&root, &items[0].node);
	CU_ASSERT_EQUAL(item_of(root.node)->max, 1);
	CU_ASSERT(valid(&root, 31));
}

/* Break each invariant by hand: the checker has to see it. */
static void checker_sees_each_violation(void)
{
	struct rb_root root = { .update = update_max };
	struct item items[15] = { 0 };
	struct rb_node *leaf, *parent;

	for (uint32_t i = 0; i < 15; i++) {
		items[i].key = i;
		insert(&root, &items[i]);
	}
	leaf = rb_first(&root);
	parent = leaf->parent;

	root.node->red = true;
	CU_ASSERT(!valid(&root, 15)); /* (a) */
	root.node->red = false;

	for (unsigned i = 0; i < 15; i++) {
		items[i].node.red = !items[i].node.red;
		CU_ASSERT(!valid(&root, 15)); /* (b) or (c) */
		items[i].node.red = !items[i].node.red;
	}

	leaf->parent = root.node;
	CU_ASSERT(!valid(&root, 15)); /* (d) */
	leaf->parent = parent;

	item_of(leaf)->key = 20;
	CU_ASSERT(!valid(&root, 15)); /* order */
	item_of(leaf)->key = 0;

	item_of(parent)->max = 5;
	CU_ASSERT(!valid(&root, 15)); /* summary */
	CU_ASSERT(valid(&root, 15));  /* which looking mended */

	rb_last(&root)->child[RB_RIGHT] = root.node;
	CU_ASSERT(rb_check(&root, "rb", before, NULL) > 0); /* a cycle, and it ends */
}

static const struct unit_test tests[] = {
	UNIT_TEST(empty_tree_has_no_first_and_no_last),
	UNIT_TEST(every_order_of_six_keeps_the_invariants),
	UNIT_TEST(random_inserts_and_erases_agree_with_an_array),
	UNIT_TEST(ascending_keys_stay_balanced),
	UNIT_TEST(propagate_brings_a_changed_value_to_the_root),
	UNIT_TEST(checker_sees_each_violation),
	UNIT_END,
};

const struct unit_suite suite_rbtree = { "rbtree", tests };
