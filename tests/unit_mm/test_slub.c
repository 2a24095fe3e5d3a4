// SPDX-License-Identifier: MIT
/*
 * SLUB on the host: what it chooses, how it meets interrupts and failures, and what it refuses to
 * free.
 */
#include <stdlib.h>

#include "mm/errno.h"
#include "slub_rig.h"
#include "tests/mm/mm_test.h"

/* --- what it chooses -------------------------------------------------------------------------- */

/*
 * By hand from the rule: 8 objects or what 32 KiB hold, waste at most 1/16, 1/8, 1/4, then less
 * objects.
 */
static void order_is_smallest_with_eight_objects_and_little_waste(void)
{
	/*
	 *   472: 4096 % 472 = 320 is over 1/16; 8192 % 472 = 168 is not
	 *   700: 8 * 700 > 4096; 8192 % 700 = 492
	 *  1000: 8192 % 1000 = 192
	 *  3000: 32768 % 3000 = 2768 is over 1/16, within 1/8
	 *  5000: six fit in 32 KiB; 32768 % 5000 = 2768
	 * 12288: 32768 % 12288 = 8192 is just 1/4
	 * 20000: one fits: any waste will do, from the smallest order up
	 * 40000: none fits
	 */
	static const uint32_t rows[][3] = {
		{ 8, 0, 512 },	 { 16, 0, 256 },      { 32, 0, 128 },  { 64, 0, 64 },
		{ 96, 0, 42 },	 { 128, 0, 32 },      { 192, 0, 21 },  { 256, 0, 16 },
		{ 512, 0, 8 },	 { 1024, 1, 8 },      { 2048, 2, 8 },  { 4096, 3, 8 },
		{ 8192, 3, 4 },	 { 472, 1, 17 },      { 700, 1, 11 },  { 1000, 1, 8 },
		{ 3000, 3, 10 }, { 5000, 3, 6 },      { 12288, 3, 2 }, { 20000, 3, 1 },
		{ 40000, 4, 1 }, { 4u << 20, 10, 1 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) { /* size, order, objects */
		unsigned order = calculate_order(rows[n][0]);

		CU_ASSERT_EQUAL(order, rows[n][1]);
		CU_ASSERT_EQUAL((PAGE_SIZE << order) / rows[n][0], rows[n][2]);
	}
}

static void kmalloc_caches_are_listed_newest_first(void)
{
	static const char *const names[] = {
		"kmalloc-8192", "kmalloc-4096", "kmalloc-2048", "kmalloc-1024", "kmalloc-512",
		"kmalloc-256",	"kmalloc-128",	"kmalloc-64",	"kmalloc-32",	"kmalloc-16",
		"kmalloc-8",	"kmalloc-192",	"kmalloc-96",
	};
	struct kmem_cache_info info;
	unsigned n = 0;

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .kernel_only = true });
	LOGGED("SLUB: Genslabs=13, HWalign=32, Order=0-3, MinObjects=0, CPUs=1, Nodes=1\n");
	for (; n < ARRAY_SIZE(names); n++) {
		CU_ASSERT_FATAL(kmem_cache_info(n, &info));
		CU_ASSERT_STRING_EQUAL(info.name, names[n]);
		CU_ASSERT_EQUAL(info.size, info.object_size);
		CU_ASSERT_EQUAL(info.size, strtoul(names[n] + 8, NULL, 10));
	}
	CU_ASSERT_FALSE(kmem_cache_info(n, &info));
	slub_end();
}

static void min_partial_is_log2_of_the_size_within_5_and_10(void)
{
	slub_begin(NO_DEBUG);
	CU_ASSERT_EQUAL(slub.kmalloc[3].min_partial, 5);   /* 8: log2 is 3 */
	CU_ASSERT_EQUAL(slub.kmalloc[5].min_partial, 5);   /* 32 */
	CU_ASSERT_EQUAL(slub.kmalloc[6].min_partial, 6);   /* 64 */
	CU_ASSERT_EQUAL(slub.kmalloc[2].min_partial, 7);   /* 192 */
	CU_ASSERT_EQUAL(slub.kmalloc[10].min_partial, 10); /* 1024 */
	CU_ASSERT_EQUAL(slub.kmalloc[13].min_partial, 10); /* 8192: 13 */
	slub_end();
}

/* See the drawing in slub_internal.h; all with 8-byte pointers and alignment 8. */
static void slot_grows_by_what_debugging_needs(void)
{
	static const struct {
		const char *debug;
		uint32_t for_8, for_64;
	} rows[] = {
		{ "F", 8, 64 },
		{ "Z", 8 + 8 + 8, 64 + 8 + 8 },
		{ "P", 8 + 8, 64 + 8 },
		{ "U", 8 + 32, 64 + 32 },
		{ "FZPU", 8 + 8 + 8 + 8 + 32, 64 + 8 + 8 + 8 + 32 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		slub_begin(rows[n].debug);
		CU_ASSERT_EQUAL(slub_info("kmalloc-8").size, rows[n].for_8);
		CU_ASSERT_EQUAL(slub_info("kmalloc-64").size, rows[n].for_64);
		CU_ASSERT_EQUAL(slub_info("kmalloc-64").object_size, 64);
		slub_end();
	}
}

static void fallback_to_the_smallest_order_when_memory_is_in_pieces(void)
{
	struct kmem_cache *s;
	void *p;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("pieces", 2000, 0, 0, NULL);
	CU_ASSERT_EQUAL(s->order, 2);
	mm_host_fail_nth(2); /* 1 is the cache's own, 2 the try for order 2 */
	p = kmem_cache_alloc(s, GFP_KERNEL);
	CU_ASSERT_TRUE(mm_host.failed);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(virt_to_head_page(p)->order, 0);
	CU_ASSERT_EQUAL(virt_to_head_page(p)->objects, 2);
	CU_ASSERT_EQUAL(slub_check(), 0);
	kmem_cache_free(s, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

static void no_memory_is_told_with_the_caches_state(void)
{
	slub_begin(NO_DEBUG);
	mm_host_fail_nth(2);
	mm.fail_alloc("", 0, 0); /* the next is the 2nd: the hook's own call for the cache */
	CU_ASSERT_PTR_NULL(kmalloc(64, GFP_KERNEL));
	CU_ASSERT_FALSE(
		mm_host_logged("SLUB: Unable")); /* an injected failure: SLUB never looked */
	mm_host_end();

	/* All memory in use. */
	slub_begin(NO_DEBUG);
	while (alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 0))
		;
	CU_ASSERT_PTR_NULL(kmalloc(64, GFP_ATOMIC | __GFP_NOWARN));
	CU_ASSERT_FALSE(mm_host_logged("SLUB: Unable"));
	CU_ASSERT_PTR_NULL(kmalloc(64, GFP_ATOMIC));
	LOGGED("SLUB: Unable to allocate memory on node -1 (gfp=0x20)\n"
	       "  cache: kmalloc-64, object size: 64, buffer size: 64, default order: 0, "
	       "min order: 0\n"
	       "  node 0: slabs: 0, objs: 0, free: 0\n");
	slub_end();
}

/*
 * An empty slab that the CPU gives up stays on the list while that has less than min_partial, 6 for
 * 64 bytes: log2 of the size.
 */
static void empty_slab_is_kept_while_few_are_partial(void)
{
	static const struct {
		unsigned partial, slabs_after;
	} rows[] = { { 5, 8 + 1 }, { 6, 8 } };
	void *objects[8 * 64], *last;

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		struct kmem_cache *s;

		slub_begin(NO_DEBUG);
		s = &slub.kmalloc[6];
		CU_ASSERT_EQUAL(kmem_cache_alloc_bulk(s, GFP_KERNEL, 8 * 64, objects), 0);
		last = kmem_cache_alloc(s, GFP_KERNEL); /* in a ninth slab */
		for (unsigned n = 0; n < rows[k].partial; n++)
			kmem_cache_free(s, objects[n * 64]);
		kmem_cache_free(s, last);
		deactivate_slab(s);
		CU_ASSERT_EQUAL(slub_info("kmalloc-64").slabs, rows[k].slabs_after);
		slub_end();
	}
}

/*
 * A cache line is 32 bytes; an object has the smallest part of it, in powers of two, that holds it.
 */
static void alignment_is_what_is_asked_or_a_part_of_a_cache_line(void)
{
	static const struct {
		size_t size, align;
		uint32_t flags, expected;
	} rows[] = {
		{ 100, 0, 0, 8 },
		{ 100, 128, 0, 128 },
		{ 40, 0, SLAB_HWCACHE_ALIGN, 32 },
		{ 17, 0, SLAB_HWCACHE_ALIGN, 32 },
		{ 16, 0, SLAB_HWCACHE_ALIGN, 16 },
		{ 9, 0, SLAB_HWCACHE_ALIGN, 16 },
		{ 8, 0, SLAB_HWCACHE_ALIGN, 8 },
		{ 1, 0, SLAB_HWCACHE_ALIGN, 8 },
		{ 40, 64, SLAB_HWCACHE_ALIGN, 64 },
	};

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .slub_nomerge = true });
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct kmem_cache *s = kmem_cache_create("aligned", rows[n].size, rows[n].align,
							 rows[n].flags, NULL);

		CU_ASSERT_EQUAL(s->align, rows[n].expected);
		CU_ASSERT_EQUAL(s->size % rows[n].expected, 0);
	}
	slub_end();
}

/* --- what comes between ----------------------------------------------------------------------- */

static struct kmem_cache *interrupted;
static void *taken;

/* While the slow path looks for pages, interrupts are on; one comes, and needs an object itself. */
static bool interrupt_takes_one(const char *what, size_t bytes, gfp_t gfp)
{
	struct kmem_cache *s = interrupted;

	if (!s || strcmp(what, "alloc_pages"))
		return false;
	CU_ASSERT_FALSE(arch_irqs_off());
	interrupted = NULL;
	taken = kmem_cache_alloc(s, GFP_ATOMIC);
	return false;
}

static void interrupt_while_pages_are_looked_for_loses_no_slab(void)
{
	struct kmem_cache *s;
	void *p;

	slub_begin(NO_DEBUG);
	s = interrupted = kmem_cache_create("irq", 200, 0, 0, NULL);
	mm.fail_alloc = interrupt_takes_one;
	p = kmem_cache_alloc(s, GFP_KERNEL);
	CU_ASSERT(taken && p && virt_to_head_page(taken) != virt_to_head_page(p));
	CU_ASSERT_EQUAL(slub_info("irq").slabs, 2);
	CU_ASSERT_EQUAL(slub_info("irq").partial_slabs, 1);
	CU_ASSERT_EQUAL(slub_check(), 0);
	kmem_cache_free(s, taken);
	kmem_cache_free(s, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/*
 * An interrupt that came between the fast path, which found nothing, and the slow one, left
 * objects.
 */
static void slow_path_uses_a_freelist_that_has_come_up(void)
{
	struct kmem_cache *s;
	void *p, *q, *next;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("irq", 200, 0, 0, NULL);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	s->cpu.slow = SLOW_BUSY;
	kmem_cache_free_bulk(s, 1, &p); /* to the page, beside the CPU's freelist */
	s->cpu.slow = 0;
	CU_ASSERT_PTR_EQUAL(virt_to_head_page(p)->freelist, p);
	next = s->cpu.freelist;
	q = slab_alloc_slow(s, GFP_KERNEL, 0);
	CU_ASSERT_PTR_EQUAL(q, next);
	CU_ASSERT_EQUAL(slub_check(), 0);
	kmem_cache_free(s, q);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

static unsigned page_blocks_left;

static bool no_more_pages(const char *what, size_t bytes, gfp_t gfp)
{
	return !strcmp(what, "alloc_pages") && (!page_blocks_left || !page_blocks_left--);
}

static void bulk_that_cannot_be_whole_gives_nothing(void)
{
	struct kmem_cache *s;
	void *objects[20];

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("bulk", 2000, 0, 0, NULL); /* 8 in a slab */
	page_blocks_left = 2;
	mm.fail_alloc = no_more_pages;
	CU_ASSERT_EQUAL(kmem_cache_alloc_bulk(s, GFP_KERNEL, 20, objects), -ENOMEM);
	CU_ASSERT_EQUAL(slub_info("bulk").slabs, 0);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/* --- pointers that are no objects, with and without debugging --------------------------------- */

static void kfree_of_a_wild_pointer_says_what_it_is(void)
{
	struct page *used;
	uint8_t *large, *slab;
	uint32_t free_before;

	slub_begin(NO_DEBUG);
	used = alloc_pages(GFP_KERNEL, 0);
	large = kmalloc(10000, GFP_KERNEL);
	slab = allocate_here(64);
	free_before = nr_free_pages();

	kfree(arch_ptr(PAGE_OFFSET + MM_HOST_KERNEL_START + 16));
	LOGGED("kfree of 0xc0100010, which is reserved, from 0x");
	kfree(arch_ptr(0x1000));
	LOGGED("kfree of 0x00001000, which is not in the direct map, from 0x");
	kfree(arch_ptr(0xf8000000));
	LOGGED("kfree of 0xf8000000, which is not in the direct map, from 0x");
	kfree(page_address(used));
	LOGGED("kfree of 0x%08x, which is used, from 0x", arch_vaddr(page_address(used)));
	kfree(large + 4096 + 4);
	LOGGED("kfree of 0x%08x, which is inside a block of pages, from 0x",
	       arch_vaddr(large) + 4100);
	CU_ASSERT_EQUAL(ksize(large + 8), 0);
	LOGGED("ksize of 0x%08x, which is inside a block of pages, from 0x", arch_vaddr(large) + 8);
	kfree(large);
	drain_all_pages();
	mm_host_log_clear();
	kfree(large);
	LOGGED("kfree of 0x%08x, which is free", arch_vaddr(large));
	CU_ASSERT_EQUAL(nr_free_pages(), free_before + 4);
	CU_ASSERT_EQUAL(virt_to_head_page(slab)->inuse, 64);
	__free_pages(used, 0);
	assert_goes_on(64);
	slub_end();
}

static void object_of_another_cache_goes_back_to_that_one(void)
{
	struct kmem_cache *a, *b;
	void *p;

	for (unsigned debug = 0; debug < 2; debug++) {
		slub_begin(debug ? ALL_DEBUG : NO_DEBUG);
		a = kmem_cache_create("apples", 200, 0, 0, NULL);
		b = kmem_cache_create("pears", 400, 0, 0, NULL);
		p = kmem_cache_alloc(b, GFP_KERNEL);
		kmem_cache_free(a, p);
		LOGGED("kmem_cache_free: Wrong slab cache. apples but object is from pears\n");
		CU_ASSERT_EQUAL(mm_host_logged("INFO: Allocated in"), debug);
		CU_ASSERT_EQUAL(kmem_cache_destroy(a), 0);
		CU_ASSERT_EQUAL(kmem_cache_destroy(b), 0);
		slub_end();
	}
}

static void kmem_cache_free_of_pages_is_refused(void)
{
	struct kmem_cache *s;
	struct page *page;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("apples", 200, 0, 0, NULL);
	page = alloc_pages(GFP_KERNEL, 0);
	kmem_cache_free(s, page_address(page));
	LOGGED("kmem_cache_free of 0x%08x, which is used, from 0x", arch_vaddr(page_address(page)));
	kmem_cache_free(s, NULL);
	LOGGED("kmem_cache_free of 0x00000000, which is not in the direct map, from 0x");
	__free_pages(page, 0);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/* --- the checker ------------------------------------------------------------------------------ */

static void checker_finds_what_was_broken(void)
{
	struct kmem_cache *s;
	struct page *page;
	void **p, **q, *saved;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("checked", 2000, 0, 0, NULL);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	q = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_free(s, q);
	page = virt_to_head_page(p);
	CU_ASSERT_EQUAL(slub_check(), 0);

	saved = *q;
	*q = q; /* a cycle */
	CU_ASSERT_EQUAL(slub_check(), 1);
	LOGGED("slub_check: checked: slab 0x%08x: object twice on freelists\n", arch_vaddr(page));
	*q = (char *)q + 4;
	CU_ASSERT_EQUAL(slub_check(), 1);
	LOGGED("slub_check: checked: slab 0x%08x: freelist leaves the slab\n", arch_vaddr(page));
	*q = saved;

	page->inuse--;
	CU_ASSERT_EQUAL(slub_check(), 1);
	LOGGED("slub_check: checked: slab 0x%08x: inuse disagrees with the freelist\n",
	       arch_vaddr(page));
	page->inuse++;

	page->frozen = false;
	/* And so it looks like a full slab that is none. */
	CU_ASSERT(slub_check() > 0);
	LOGGED("slub_check: checked: slab 0x%08x: frozen, and no CPU slab, or the reverse\n",
	       arch_vaddr(page));
	page->frozen = true;
	kmem_cache_free(s, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

static void checker_counts_slabs_itself(void)
{
	struct kmem_cache *s;
	struct page *page;
	void *p;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("checked", 2000, 0, 0, NULL);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	page = virt_to_head_page(p);

	s->node[0].nr_slabs++;
	CU_ASSERT_EQUAL(slub_check(), 1);
	LOGGED("slub_check: checked: counts 2 slabs 8 objects 0 partial, has 1 8 0\n");
	s->node[0].nr_slabs--;

	s->node[0].nr_partial++;
	CU_ASSERT(slub_check() > 0);
	LOGGED("slub_check: checked: node 0: nr_partial 1 is not the list's length\n");
	s->node[0].nr_partial--;

	page_zone(page)->stat[NR_SLAB_UNRECLAIMABLE]--;
	CU_ASSERT_EQUAL(slub_check(), 1);
	page_zone(page)->stat[NR_SLAB_UNRECLAIMABLE]++;

	kmem_cache_free(s, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/* --- the shared rules, with debugging --------------------------------------------------------- */

static void shared_rules_hold_with_debugging(void)
{
	static const char *const settings[] = { "", "F", "Z", "P", "U" };

	for (size_t n = 0; n < ARRAY_SIZE(settings); n++)
		for (const struct mm_test *t = mm_tests_slub; t->name; t++) {
			uint32_t before;

			slub_begin(settings[n]);
			drain_all_pages();
			before = nr_free_pages();
			mm_test_failures = 0;
			CU_ASSERT(t->fn() && !mm_test_failures);
			drain_all_pages();
			CU_ASSERT_EQUAL(nr_free_pages(), before);
			if (mm_test_failures)
				fprintf(stderr, "%s with slub_debug=%s:\n%s", t->name, settings[n],
					mm_host_log());
			slub_end();
		}
}

static const struct unit_test tests[] = {
	UNIT_TEST(order_is_smallest_with_eight_objects_and_little_waste),
	UNIT_TEST(kmalloc_caches_are_listed_newest_first),
	UNIT_TEST(min_partial_is_log2_of_the_size_within_5_and_10),
	UNIT_TEST(slot_grows_by_what_debugging_needs),
	UNIT_TEST(fallback_to_the_smallest_order_when_memory_is_in_pieces),
	UNIT_TEST(no_memory_is_told_with_the_caches_state),
	UNIT_TEST(empty_slab_is_kept_while_few_are_partial),
	UNIT_TEST(alignment_is_what_is_asked_or_a_part_of_a_cache_line),
	UNIT_TEST(interrupt_while_pages_are_looked_for_loses_no_slab),
	UNIT_TEST(slow_path_uses_a_freelist_that_has_come_up),
	UNIT_TEST(bulk_that_cannot_be_whole_gives_nothing),
	UNIT_TEST(kfree_of_a_wild_pointer_says_what_it_is),
	UNIT_TEST(object_of_another_cache_goes_back_to_that_one),
	UNIT_TEST(kmem_cache_free_of_pages_is_refused),
	UNIT_TEST(checker_finds_what_was_broken),
	UNIT_TEST(checker_counts_slabs_itself),
	UNIT_TEST(shared_rules_hold_with_debugging),
	UNIT_END,
};

const struct unit_suite suite_slub = { "slub", tests };
