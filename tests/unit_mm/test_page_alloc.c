// SPDX-License-Identifier: MIT
/*
 * The page allocator where only the host can look: watermarks, injected faults, the lists, and a
 * checker that finds what is broken by hand.
 */
#include "page_rig.h"

static struct list_head hoard;

/* --- watermarks ------------------------------------------------------------------------------- */

/*
 * A zone of 100 free pages in blocks 4 * 1 + 8 * 2 + 4 * 4 + 8 * 8 by hand:
 * order 0  free 100			      fails if <= mark
 * order 1  100 - 1 = 99, then 99 - 4 = 95     and mark / 2
 * order 2  100 - 3 = 97, 93, 77	      mark, mark / 2, mark / 4
 * order 3  100 - 7 = 93, 89, 73, 57	      mark, .. mark / 8
 */
static void watermarks_halve_with_each_order(void)
{
	struct zone z = { .stat = { [NR_FREE_PAGES] = 100 } };
	static const uint32_t blocks[MAX_ORDER] = { 4, 8, 4, 8 };
	static const struct {
		unsigned order;
		uint32_t mark; /* the highest that passes */
	} table[] = { { 0, 99 }, { 1, 98 }, { 2, 96 }, { 3, 92 } };

	for (unsigned order = 0; order < MAX_ORDER; order++)
		z.free_area[order].nr_free = blocks[order];
	for (size_t n = 0; n < ARRAY_SIZE(table); n++) {
		CU_ASSERT(zone_watermark_ok(&z, table[n].order, table[n].mark, ZONE_DMA, 0));
		CU_ASSERT_FALSE(
			zone_watermark_ok(&z, table[n].order, table[n].mark + 1, ZONE_DMA, 0));
	}
	/*
	 * Order 4: 100 - 15 = 85 > 20; 81 > 10; 65 > 5; 49 > 2; 49 - 64 < 0: there is no such
	 * block.
	 */
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 4, 20, ZONE_DMA, 0));
	/* Nearly all of it in single pages: 100 - 1 - 98 = 1, not above 10 / 2. */
	z.free_area[0].nr_free = 98;
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 1, 10, ZONE_DMA, 0));
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 1, 2, ZONE_DMA, 0));
	CU_ASSERT(zone_watermark_ok(&z, 1, 1, ZONE_DMA, 0));
}

/* mark 64: HIGH 32; HARDER 48; both 32 - 8 = 24. */
static void high_and_harder_lower_the_mark(void)
{
	struct zone z = { .stat = { [NR_FREE_PAGES] = 0 } };
	static const struct {
		unsigned flags;
		uint32_t mark;
	} table[] = { { 0, 64 },
		      { ALLOC_HIGH, 32 },
		      { ALLOC_HARDER, 48 },
		      { ALLOC_HIGH | ALLOC_HARDER, 24 } };

	for (size_t n = 0; n < ARRAY_SIZE(table); n++) {
		z.stat[NR_FREE_PAGES] = table[n].mark;
		CU_ASSERT_FALSE(zone_watermark_ok(&z, 0, 64, ZONE_DMA, table[n].flags));
		z.stat[NR_FREE_PAGES] = table[n].mark + 1;
		CU_ASSERT(zone_watermark_ok(&z, 0, 64, ZONE_DMA, table[n].flags));
	}
}

static void the_reserve_is_against_the_highest_zone_of_the_request(void)
{
	struct zone z = { .stat = { [NR_FREE_PAGES] = 100 }, .lowmem_reserve = { 0, 60, 90 } };

	CU_ASSERT(zone_watermark_ok(&z, 0, 30, ZONE_DMA, 0));
	CU_ASSERT(zone_watermark_ok(&z, 0, 30, ZONE_NORMAL, 0));
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 0, 40, ZONE_NORMAL, 0));
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 0, 10, ZONE_HIGHMEM, 0));
	CU_ASSERT(zone_watermark_ok(&z, 0, 9, ZONE_HIGHMEM, 0));
	/* fewer free pages than the block has */
	CU_ASSERT_FALSE(zone_watermark_ok(&z, 10, 0, ZONE_DMA, 0));
}

static void atomic_requests_dig_deeper_in_this_order(void)
{
	static const gfp_t gfp[] = { GFP_KERNEL, GFP_NOWAIT, GFP_KERNEL | __GFP_HIGH, GFP_ATOMIC };
	uint32_t before = UINT32_MAX;

	page_begin();
	for (size_t n = 0; n < ARRAY_SIZE(gfp); n++) {
		hog(&hoard, gfp[n]);
		CU_ASSERT(zone(ZONE_NORMAL)->stat[NR_FREE_PAGES] < before);
		before = zone(ZONE_NORMAL)->stat[NR_FREE_PAGES];
		while (give_one_back(&hoard))
			;
		drain_all_pages();
	}
	page_end();
}

/* --- injected faults -------------------------------------------------------------------------- */

static void injected_failures_leak_nothing(void)
{
	struct page *pages[4];
	uint32_t before;
	paddr_t bus;

	page_begin();
	drain_all_pages();
	before = nr_free_pages();
	mm_host_fail_nth(1);
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL, 3));
	mm_host_fail_nth(1);
	CU_ASSERT_PTR_NULL(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL));
	mm_host_fail_nth(1);
	CU_ASSERT_PTR_NULL(dma_alloc_coherent(PAGE_SIZE, &bus, GFP_KERNEL));
	mm_host_fail_nth(1);
	CU_ASSERT_PTR_NULL(get_zeroed_page(GFP_KERNEL));
	mm_host_fail_nth(3);
	CU_ASSERT_EQUAL(alloc_pages_bulk(GFP_KERNEL, 4, pages), 2);
	__free_pages(pages[0], 0);
	__free_pages(pages[1], 0);
	drain_all_pages();
	CU_ASSERT_EQUAL(nr_free_pages(), before);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	page_end();
}

static void nofail_is_not_injected(void)
{
	struct page *page;

	page_begin();
	mm_host_fail_nth(1);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	CU_ASSERT_PTR_NOT_NULL(page);
	CU_ASSERT_FALSE(mm_host.failed);
	__free_pages(page, 0);
	page_end();
}

/* Both ways a single page goes: with a hook the long one, without the short one. */
static void the_fast_path_stops_at_the_low_mark(void)
{
	const struct zone *normal, *dma;
	struct page *page;

	page_begin();
	normal = zone(ZONE_NORMAL);
	dma = zone(ZONE_DMA);
	CU_ASSERT_PTR_NULL(mm.fail_alloc);
	do
		page = alloc_page(GFP_KERNEL);
	while (page->zone == ZONE_NORMAL);
	CU_ASSERT_EQUAL(page->zone, ZONE_DMA);
	CU_ASSERT(normal->stat[NR_FREE_PAGES] <= normal->watermark[WMARK_LOW]);
	/* The last batch was refilled above the mark; what is left of it is below. */
	CU_ASSERT(normal->stat[NR_FREE_PAGES] + normal->pcp.batch > normal->watermark[WMARK_LOW]);
	CU_ASSERT_EQUAL(normal->pcp.count, normal->pcp.batch - 1);
	while (alloc_page(GFP_DMA | __GFP_NOWARN | __GFP_WAIT)->zone != ZONE_DMA ||
	       dma->stat[NR_FREE_PAGES] > dma->watermark[WMARK_LOW])
		;
	CU_ASSERT_EQUAL(dma->stat[NR_FREE_PAGES], dma->watermark[WMARK_LOW]);
	mm_host_end();
}

/* --- lists ------------------------------------------------------------------------------------ */

/*
 * Refilled by `batch` when empty, relieved of `batch` at `high`; these pages do not count as free.
 */
static void per_cpu_lists_move_batches(void)
{
	struct zone *z;
	struct page *pages[200];
	uint32_t free;

	page_begin();
	drain_all_pages();
	z = zone(ZONE_NORMAL); /* 80 MiB: 20480 pages, 19 -> 4 -> 6 -> 4 - 1 */
	CU_ASSERT_EQUAL(z->pcp.batch, 3);
	CU_ASSERT_EQUAL(z->pcp.high, 18);
	free = z->stat[NR_FREE_PAGES];
	for (unsigned n = 0; n < 18; n++)
		pages[n] = alloc_page(GFP_KERNEL);
	CU_ASSERT_EQUAL(z->stat[NR_FREE_PAGES], free - 18);
	CU_ASSERT_EQUAL(z->pcp.count, 0);
	/* A batch has rising addresses. */
	CU_ASSERT_EQUAL(pages[1], pages[0] + 1);
	CU_ASSERT_EQUAL(pages[2], pages[1] + 1);
	for (unsigned n = 0; n < 17; n++)
		__free_pages(pages[n], 0);
	CU_ASSERT_EQUAL(z->pcp.count, 17);
	CU_ASSERT_EQUAL(z->stat[NR_FREE_PAGES], free - 18);
	__free_pages(pages[17], 0);
	CU_ASSERT_EQUAL(z->pcp.count, 15);
	CU_ASSERT_EQUAL(z->stat[NR_FREE_PAGES], free - 15);
	CU_ASSERT_EQUAL(pages[0]->state, PAGE_FREE); /* the coldest went */
	CU_ASSERT_EQUAL(alloc_page(GFP_KERNEL), pages[17]);
	__free_pages(pages[17], 0);
	page_end();
}

/*
 * A split leaves the upper halves in the lists: order 0 of a block of order 10 leaves one block of
 * each order 0..9, and the page is the lowest.
 */
static void a_split_leaves_one_block_of_each_order(void)
{
	struct zone *z;
	uint32_t blocks[MAX_ORDER];
	struct page *page;

	page_begin();
	z = zone(ZONE_HIGHMEM); /* untouched so far: 8 blocks of order 10 */
	drain_all_pages();
	CU_ASSERT_EQUAL(z->free_area[10].nr_free, 8);
	page = buddy_take(z, 0);
	for (unsigned order = 0; order < MAX_ORDER - 1; order++) {
		CU_ASSERT_EQUAL(z->free_area[order].nr_free, 1);
		CU_ASSERT_EQUAL(page[1u << order].state, PAGE_FREE);
		CU_ASSERT_EQUAL(page[1u << order].order, order);
		blocks[order] = page_to_pfn(page) & ((1u << order) - 1);
		CU_ASSERT_EQUAL(blocks[order], 0);
	}
	CU_ASSERT_EQUAL(z->free_area[10].nr_free, 7);
	buddy_free(z, page, 0);
	CU_ASSERT_EQUAL(z->free_area[10].nr_free, 8);
	page_end();
}

static void bulk_gives_what_there_is(void)
{
	static struct page *pages[40000];
	unsigned got;

	page_begin();
	got = alloc_pages_bulk(GFP_KERNEL, ARRAY_SIZE(pages), pages);
	CU_ASSERT(got > 20000 && got < 96 * 256);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	while (got)
		__free_pages(pages[--got], 0);
	page_end();
}

/* --- the checker finds each kind of damage ---------------------------------------------------- */

static struct page *free_block(unsigned order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	__free_pages(page, order);
	drain_all_pages();
	while (page->state != PAGE_FREE)
		page--;
	return page;
}

static void expect_violation(const char *text)
{
	mm_host_log_clear();
	CU_ASSERT(page_alloc_check() > 0);
	CU_ASSERT(mm_host_logged(text));
	if (!mm_host_logged(text))
		fprintf(stderr, "no \"%s\" in: %s", text, mm_host_log());
}

static void the_checker_finds_damaged_pages(void)
{
	struct page *page, *used;

	page_begin();
	page = free_block(2);
	page->count = 1;
	expect_violation("free page with references or an owner");
	page->count = 0;
	page[1].private = 1;
	expect_violation("free page with references or an owner");
	page[1].private = 0;
	page[1].state = PAGE_USED;
	expect_violation("page 1 of the block is not its own");
	page[1].state = PAGE_FREE_TAIL;
	page->state = PAGE_FREE_TAIL;
	expect_violation("on the free list of order");
	CU_ASSERT(mm_host_logged("in no block"));
	page->state = PAGE_FREE;
	page->order ^= 1;
	expect_violation("on the free list of order");
	page->order ^= 1;
	page->zone = ZONE_DMA;
	expect_violation("says it is in node 0 zone 0");
	page->zone = ZONE_NORMAL;
	used = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	used->count = 0;
	expect_violation("used without a reference");
	used->count = 1;
	used[1].first_page = NULL;
	expect_violation("first_page is 00000000");
	used[1].first_page = used;
	__free_pages(used, 1);
	page_end();
}

static void the_checker_finds_damaged_lists(void)
{
	struct page *page;
	struct zone *z;
	struct list_head *next;

	page_begin();
	page = free_block(0);
	z = page_zone(page);
	z->stat[NR_FREE_PAGES]++;
	expect_violation("NR_FREE_PAGES is");
	z->stat[NR_FREE_PAGES]--;
	z->free_area[page->order].nr_free++;
	expect_violation("nr_free is");
	z->free_area[page->order].nr_free--;
	z->pcp.count++;
	expect_violation("pcp.count is");
	z->pcp.count--;
	next = page->lru.next;
	page->lru.next = &page->lru; /* a cycle */
	expect_violation("the list is broken");
	page->lru.next = next;
	next = page->lru.prev;
	page->lru.prev = &page->lru; /* a wrong link back */
	expect_violation("the list is broken");
	page->lru.prev = next;
	next = page->lru.next;
	page->lru.next = (struct list_head *)arch_ptr(PAGE_OFFSET + 4096); /* a wild pointer */
	expect_violation("the list is broken");
	page->lru.next = next;
	list_del(&page->lru); /* lost */
	expect_violation("free blocks on lists");
	list_add(&page->lru, &z->free_area[page->order].free_list);
	page_end();
}

/* Two buddies of order 0, put on the list behind buddy_free()'s back. */
static void the_checker_finds_buddies_that_did_not_merge(void)
{
	struct page *page;
	struct zone *z;

	page_begin();
	z = zone(ZONE_NORMAL);
	drain_all_pages();
	page = buddy_take(z, 1);
	for (unsigned n = 0; n < 2; n++) {
		page[n].state = PAGE_FREE;
		page[n].order = 0;
		list_add(&page[n].lru, &z->free_area[0].free_list);
		z->free_area[0].nr_free++;
		z->stat[NR_FREE_PAGES]++;
	}
	expect_violation("is free, too");
	mm_host_end();
}

/* Each way in, as an interrupt finds it that came while a fast path was changing a per-CPU list. */
static void an_interrupt_in_a_fast_path_leaves_the_lists_alone(void)
{
	struct page *page, *bulk[2];
	struct list_head *first;
	struct zone *z;
	uint32_t count;

	page_begin();
	z = zone(ZONE_NORMAL);
	__free_pages(alloc_page(GFP_KERNEL), 0);
	first = z->pcp.list.next;
	count = z->pcp.count;
	CU_ASSERT_FATAL(count > 0);
	mm.pcp_busy = 1;
	page = alloc_page(GFP_ATOMIC);
	CU_ASSERT_PTR_NOT_NULL_FATAL(page);
	CU_ASSERT_EQUAL(alloc_pages_bulk(GFP_ATOMIC, 2, bulk), 2);
	CU_ASSERT_EQUAL(z->pcp.count, count);
	__free_pages(page, 0);
	__free_pages(bulk[0], 0);
	__free_pages(bulk[1], 0);
	CU_ASSERT(page->state == PAGE_FREE || page->state == PAGE_FREE_TAIL);
	drain_all_pages();
	CU_ASSERT_EQUAL(z->pcp.count, count);
	CU_ASSERT_PTR_EQUAL(z->pcp.list.next, first);
	CU_ASSERT_EQUAL(mm.pcp_busy, 1);
	mm.pcp_busy = 0;
	CU_ASSERT_EQUAL(page_alloc_check(), 0);
	page = alloc_page(GFP_KERNEL);
	CU_ASSERT_PTR_EQUAL(&page->lru, first);
	CU_ASSERT_EQUAL(mm.pcp_busy, 0);
	__free_pages(page, 0);
	CU_ASSERT_EQUAL(mm.pcp_busy, 0);
	mm_host_end();
}

/*
 * Four pages, the upper two as if HIGHMEM began there: two blocks of order 1, not one of order 2.
 */
static void buddies_of_two_zones_do_not_merge(void)
{
	struct page *page;

	page_begin();
	page = buddy_take(zone(ZONE_NORMAL), 2);
	page[2].zone = page[3].zone = ZONE_HIGHMEM;
	buddy_free(zone(ZONE_HIGHMEM), page + 2, 1);
	buddy_free(zone(ZONE_NORMAL), page, 1);
	CU_ASSERT_EQUAL(page[0].state, PAGE_FREE);
	CU_ASSERT_EQUAL(page[0].order, 1);
	CU_ASSERT_EQUAL(page[2].state, PAGE_FREE);
	CU_ASSERT_EQUAL(page[2].order, 1);
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(watermarks_halve_with_each_order),
	UNIT_TEST(high_and_harder_lower_the_mark),
	UNIT_TEST(the_reserve_is_against_the_highest_zone_of_the_request),
	UNIT_TEST(atomic_requests_dig_deeper_in_this_order),
	UNIT_TEST(injected_failures_leak_nothing),
	UNIT_TEST(nofail_is_not_injected),
	UNIT_TEST(the_fast_path_stops_at_the_low_mark),
	UNIT_TEST(per_cpu_lists_move_batches),
	UNIT_TEST(an_interrupt_in_a_fast_path_leaves_the_lists_alone),
	UNIT_TEST(a_split_leaves_one_block_of_each_order),
	UNIT_TEST(bulk_gives_what_there_is),
	UNIT_TEST(buddies_of_two_zones_do_not_merge),
	UNIT_TEST(the_checker_finds_damaged_pages),
	UNIT_TEST(the_checker_finds_damaged_lists),
	UNIT_TEST(the_checker_finds_buddies_that_did_not_merge),
	UNIT_END,
};

const struct unit_suite suite_page_alloc = { "page_alloc", tests };
