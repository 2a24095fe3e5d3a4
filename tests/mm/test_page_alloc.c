// SPDX-License-Identifier: MIT
/*
 * The page allocator's rules, on the host and in the guest.
 */
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"
#include "tests/mm/mm_test.h"

static struct zone *zone_of(enum zone_type type)
{
	for (unsigned node = 0; node < mm.nodes; node++)
		if (mm.node[node].zone[type].present_pages)
			return &mm.node[node].zone[type];
	return NULL;
}

/* All that there is, in large blocks first; linked by the heads. */
static void hog(struct list_head *hoard, gfp_t gfp)
{
	for (unsigned order = MAX_ORDER; order--;) {
		struct page *page;

		while ((page = alloc_pages(gfp | __GFP_NOWARN, order)))
			list_add(&page->lru, hoard);
	}
}

static void give_back(struct list_head *hoard)
{
	list_for_each_safe(node, hoard) {
		struct page *page = list_entry(node, struct page, lru);

		list_del(node);
		__free_pages(page, page->order);
	}
}

static bool each_order_is_contiguous_and_begins_at_its_size(void)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		EXPECT(page);
		if (!page)
			continue;
		EXPECT((page_to_pfn(page) & ((1u << order) - 1)) == 0);
		EXPECT(page->state == PAGE_USED && page->order == order && page->count == 1);
		for (unsigned n = 1; n < 1u << order; n++)
			EXPECT(page[n].state == PAGE_USED_TAIL && page[n].count == 0);
		__free_pages(page, order);
	}
	return !mm_test_failures;
}

/*
 *       0   1   2   3   4   5   6   7
 *     [ order 2       ] U [0] [ 1   ]     all but 4 are free
 *     [ order 3                     ]     4 is freed: one block, or part of a larger
 */
static bool buddies_coalesce_as_far_as_they_are_free(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	EXPECT(page);
	if (!page)
		return false;
	split_page(page, 3);
	for (unsigned n = 0; n < 8; n++)
		if (n != 4)
			__free_pages(page + n, 0);
	drain_all_pages();
	EXPECT(page[0].state == PAGE_FREE && page[0].order == 2);
	EXPECT(page[4].state == PAGE_USED);
	EXPECT(page[5].state == PAGE_FREE && page[5].order == 0);
	EXPECT(page[6].state == PAGE_FREE && page[6].order == 1);
	__free_pages(page + 4, 0);
	drain_all_pages();
	EXPECT(page[0].state == PAGE_FREE ? page[0].order >= 3 : page[0].state == PAGE_FREE_TAIL);
	for (unsigned n = 1; n < 8; n++)
		EXPECT(page[n].state == PAGE_FREE_TAIL);
	return !mm_test_failures;
}

static bool the_page_freed_last_is_given_out_first(void)
{
	struct page *a = alloc_page(GFP_KERNEL), *b = alloc_page(GFP_KERNEL);
	struct page *again;

	EXPECT(a && b && a != b);
	__free_pages(a, 0);
	__free_pages(b, 0);
	again = alloc_page(GFP_KERNEL);
	if (page_zone(b)->pcp.high > 2) /* a small zone has no list */
		EXPECT(again == b);
	__free_pages(again, 0);
	return !mm_test_failures;
}

static void expect_zeroed(unsigned order)
{
	uint32_t words = (PAGE_SIZE << order) / sizeof(uint32_t), sum = 0;
	uint32_t *p = __get_free_pages(GFP_KERNEL, order);

	EXPECT(p);
	memset(p, 0xa5, PAGE_SIZE << order);
	free_pages(p, order);
	p = __get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	EXPECT(p);
	for (uint32_t n = 0; n < words; n++)
		sum |= p[n];
	EXPECT(!sum);
	free_pages(p, order);
}

static bool zeroed_pages_are_zero(void)
{
	expect_zeroed(0);
	expect_zeroed(2);
	return !mm_test_failures;
}

static bool a_request_is_served_from_its_zone_or_below(void)
{
	struct page *high = alloc_page(GFP_HIGHUSER), *normal = alloc_page(GFP_KERNEL);
	struct page *dma = alloc_page(GFP_DMA);

	EXPECT(high && normal && dma);
	EXPECT(high->zone == (zone_of(ZONE_HIGHMEM) ? ZONE_HIGHMEM : ZONE_NORMAL));
	EXPECT(normal->zone == ZONE_NORMAL);
	EXPECT(dma->zone == ZONE_DMA && page_to_phys(dma) < 16 << 20);
	__free_pages(high, 0);
	__free_pages(normal, 0);
	__free_pages(dma, 0);
	return !mm_test_failures;
}

static bool lowmem_requests_never_get_highmem(void)
{
	struct list_head hoard;
	uint32_t high = nr_free_highpages();

	list_init(&hoard);
	hog(&hoard, GFP_KERNEL);
	EXPECT(nr_free_highpages() == high);
	EXPECT(!alloc_page(GFP_KERNEL | __GFP_NOWARN));
	list_for_each(node, &hoard)
		EXPECT(!page_is_highmem(list_entry(node, struct page, lru)));
	give_back(&hoard);
	return !mm_test_failures;
}

/*
 * The marks of mm/watermark.c: min for those who may wait, half and a quarter less for atomic ones.
 */
static bool watermarks_keep_pages_for_atomic_requests(void)
{
	struct list_head hoard, reserve;
	struct zone *z = zone_of(ZONE_NORMAL);
	uint32_t min = z->watermark[WMARK_MIN], atomic = min - min / 2;
	struct page *page;

	atomic -= atomic / 4;
	list_init(&hoard);
	list_init(&reserve);
	hog(&hoard, GFP_KERNEL);
	EXPECT(z->stat[NR_FREE_PAGES] <= min);
	EXPECT(z->stat[NR_FREE_PAGES] + z->pcp.batch > min);
	page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	EXPECT(page);
	if (page)
		__free_pages(page, 0);
	hog(&reserve, GFP_ATOMIC);
	EXPECT(z->stat[NR_FREE_PAGES] <= atomic);
	EXPECT(z->stat[NR_FREE_PAGES] + z->pcp.batch > atomic);
	EXPECT(!alloc_page(GFP_ATOMIC | __GFP_NOWARN));
	give_back(&reserve);
	give_back(&hoard);
	return !mm_test_failures;
}

/* What could have been HIGHMEM or Normal leaves DMA its lowmem_reserve; a DMA request gets it. */
static bool lowmem_reserve_keeps_dma_memory_for_dma(void)
{
	struct list_head hoard;
	struct zone *dma = zone_of(ZONE_DMA);
	struct page *page;

	list_init(&hoard);
	hog(&hoard, GFP_HIGHUSER);
	EXPECT(dma->stat[NR_FREE_PAGES] + dma->pcp.batch >
	       dma->watermark[WMARK_MIN] +
		       dma->lowmem_reserve[zone_of(ZONE_HIGHMEM) ? ZONE_HIGHMEM : ZONE_NORMAL]);
	page = alloc_page(GFP_DMA | __GFP_WAIT | __GFP_NOWARN);
	EXPECT(page && page->zone == ZONE_DMA);
	if (page)
		__free_pages(page, 0);
	give_back(&hoard);
	return !mm_test_failures;
}

static bool out_of_memory_is_null_at_every_order_and_leaks_nothing(void)
{
	struct list_head hoard;
	uint32_t before;

	drain_all_pages();
	before = nr_free_pages();
	list_init(&hoard);
	hog(&hoard, GFP_ATOMIC | __GFP_HIGHMEM);
	hog(&hoard, GFP_ATOMIC);
	hog(&hoard, GFP_ATOMIC | __GFP_DMA);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		EXPECT(!alloc_pages(GFP_HIGHUSER | __GFP_NOWARN, order));
	EXPECT(!__get_free_pages(GFP_KERNEL | __GFP_NOWARN, 0));
	EXPECT(!alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN));
	EXPECT(page_alloc_check() == 0);
	give_back(&hoard);
	drain_all_pages();
	EXPECT(nr_free_pages() == before);
	return !mm_test_failures;
}

static bool compound_pages_count_on_their_head(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	EXPECT(page && page->compound && page_zone(page)->type == page->zone);
	for (unsigned n = 0; page && n < 4; n++)
		EXPECT(compound_head(page + n) == page);
	get_page(page + 3);
	EXPECT(page->count == 2 && page[3].count == 0);
	put_page(page + 1);
	EXPECT(page->count == 1 && page->state == PAGE_USED);
	put_page(page + 2);
	EXPECT(page->state != PAGE_USED && page[3].first_page == NULL);
	return !mm_test_failures;
}

static bool put_page_frees_at_zero(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	EXPECT(page);
	get_page(page);
	put_page(page);
	EXPECT(page->state == PAGE_USED && page->count == 1);
	put_page(page);
	EXPECT(page->state == PAGE_PCP || page->state == PAGE_FREE ||
	       page->state == PAGE_FREE_TAIL);
	return !mm_test_failures;
}

static bool exact_allocations_take_no_page_more(void)
{
	char *p;
	uint32_t before;

	drain_all_pages();
	before = nr_free_pages();
	p = alloc_pages_exact(4 * PAGE_SIZE + 1, GFP_KERNEL); /* 5 pages, of a block of 8 */
	EXPECT(p);
	drain_all_pages();
	EXPECT(nr_free_pages() == before - 5);
	EXPECT(virt_to_page(p + 4 * PAGE_SIZE)->state == PAGE_USED);
	free_pages_exact(p, 4 * PAGE_SIZE + 1);
	drain_all_pages();
	EXPECT(nr_free_pages() == before);
	p = alloc_pages_exact(3 * PAGE_SIZE,
			      GFP_KERNEL | __GFP_COMP); /* each page is freed alone */
	EXPECT(p);
	drain_all_pages();
	EXPECT(nr_free_pages() == before - 3);
	free_pages_exact(p, 3 * PAGE_SIZE);
	drain_all_pages();
	EXPECT(nr_free_pages() == before);
	EXPECT(!alloc_pages_exact(0, GFP_KERNEL));
	free_pages_exact(NULL, PAGE_SIZE);
	return !mm_test_failures;
}

static bool bulk_gives_distinct_single_pages(void)
{
	struct page *pages[100];
	unsigned got = alloc_pages_bulk(GFP_KERNEL, 100, pages);

	EXPECT(got == 100);
	for (unsigned n = 0; n < got; n++) {
		EXPECT(pages[n]->state == PAGE_USED && pages[n]->order == 0);
		pages[n]->private = n;
	}
	for (unsigned n = 0; n < got; n++) {
		EXPECT(pages[n]->private == n);
		__free_pages(pages[n], 0);
	}
	EXPECT(alloc_pages_bulk(GFP_KERNEL, 0, pages) == 0);
	return !mm_test_failures;
}

static bool device_memory_is_one_piece_below_16_mib(void)
{
	paddr_t bus = 0;
	char *p = dma_alloc_coherent(5 * PAGE_SIZE, &bus, GFP_KERNEL);

	EXPECT(p);
	if (!p)
		return false;
	EXPECT(bus == virt_to_phys(p) && bus && bus + 5 * PAGE_SIZE <= 16 << 20);
	EXPECT(dma_segments(p, 5 * PAGE_SIZE) == 1);
	memset(p, 0xa5, 5 * PAGE_SIZE);
	dma_free_coherent(5 * PAGE_SIZE, p, bus);
	p = dma_alloc_coherent(5 * PAGE_SIZE, &bus, GFP_KERNEL); /* the same block again, zeroed */
	EXPECT(p && p[0] == 0 && p[5 * PAGE_SIZE - 1] == 0);
	dma_free_coherent(5 * PAGE_SIZE, p, bus);
	EXPECT(!dma_alloc_coherent(0, &bus, GFP_KERNEL));
	return !mm_test_failures;
}

/* Contiguous addresses, scattered frames: what a device would get wrong. */
static bool vmapped_memory_is_not_one_piece(void)
{
	struct page *block = alloc_pages(GFP_KERNEL, 2);
	struct page *pages[3];
	char *p;

	EXPECT(block);
	if (!block)
		return false;
	split_page(block, 2);
	pages[0] = block + 2;
	pages[1] = block + 3;
	pages[2] = block;
	p = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	EXPECT(p);
	if (p) {
		EXPECT(dma_segments(p, 3 * PAGE_SIZE) == 2);
		EXPECT(dma_segments(p, 2 * PAGE_SIZE) == 1);
		EXPECT(dma_segments(p + 100, PAGE_SIZE) == 1);
		EXPECT(dma_segments(p + PAGE_SIZE + 100, PAGE_SIZE) == 2);
		EXPECT(dma_segments(p, 4 * PAGE_SIZE) == 0); /* the guard page */
		vunmap(p);
		vm_unmap_aliases();
	}
	for (unsigned n = 0; n < 4; n++)
		__free_pages(block + n, 0);
	return !mm_test_failures;
}

static bool an_order_that_is_none_gives_null(void)
{
	EXPECT(!alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER));
	EXPECT(!alloc_pages(GFP_KERNEL | __GFP_NOWARN, (unsigned)-1));
	EXPECT(!__get_free_pages(GFP_KERNEL | __GFP_NOWARN, MAX_ORDER));
	EXPECT(!alloc_pages_exact(5 << 20, GFP_KERNEL | __GFP_NOWARN));
	return !mm_test_failures;
}

/* The report is tested on the host; here, that nothing else happens. */
static bool wrong_frees_change_nothing(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	uint32_t before;

	EXPECT(page);
	if (!page)
		return false;
	drain_all_pages();
	before = nr_free_pages();
	__free_pages(page, 0);
	__free_pages(page, 2);
	__free_pages(page + 1, 0);
	__free_pages(pfn_to_page(0), 0);
	__free_pages(NULL, 0);
	free_pages(NULL, 0);
	get_page(page);
	__free_pages(page, 1);
	put_page(page);
	EXPECT(page->state == PAGE_USED && page->order == 1 && page->count == 1);
	drain_all_pages();
	EXPECT(nr_free_pages() == before);
	EXPECT(page_alloc_check() == 0);
	__free_pages(page, 1);
	__free_pages(page, 1);
	EXPECT(nr_free_pages() == before + 2);
	EXPECT(page_alloc_check() == 0);
	return !mm_test_failures;
}

static bool owners_take_and_return_used_pages_only(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	EXPECT(page);
	if (!page)
		return false;
	page_set_state(page, PAGE_TABLE);
	EXPECT(page->state == PAGE_TABLE);
	page_set_state(page, PAGE_SLAB); /* has an owner */
	EXPECT(page->state == PAGE_TABLE);
	__free_pages(page, 0); /* likewise */
	EXPECT(page->state == PAGE_TABLE);
	page->private = 7;
	page_set_state(page, PAGE_USED);
	EXPECT(page->state == PAGE_USED && page->private == 0);
	page_set_state(page, PAGE_FREE);
	EXPECT(page->state == PAGE_USED);
	__free_pages(page, 0);
	return !mm_test_failures;
}

static bool each_node_serves_itself_first(void)
{
	for (unsigned node = 0; node < mm.nodes; node++) {
		struct page *page = alloc_pages_node(node, GFP_HIGHUSER, 0);

		EXPECT(page);
		if (!page)
			continue;
		if (mm.node[node].zone[ZONE_HIGHMEM].present_pages)
			EXPECT(page->node == node);
		__free_pages(page, 0);
	}
	return !mm_test_failures;
}

const struct mm_test mm_tests_page_alloc[] = {
	MM_TEST(each_order_is_contiguous_and_begins_at_its_size),
	MM_TEST(buddies_coalesce_as_far_as_they_are_free),
	MM_TEST(the_page_freed_last_is_given_out_first),
	MM_TEST(zeroed_pages_are_zero),
	MM_TEST(a_request_is_served_from_its_zone_or_below),
	MM_TEST(lowmem_requests_never_get_highmem),
	MM_TEST(watermarks_keep_pages_for_atomic_requests),
	MM_TEST(lowmem_reserve_keeps_dma_memory_for_dma),
	MM_TEST(out_of_memory_is_null_at_every_order_and_leaks_nothing),
	MM_TEST(compound_pages_count_on_their_head),
	MM_TEST(put_page_frees_at_zero),
	MM_TEST(exact_allocations_take_no_page_more),
	MM_TEST(bulk_gives_distinct_single_pages),
	MM_TEST(device_memory_is_one_piece_below_16_mib),
	MM_TEST(vmapped_memory_is_not_one_piece),
	MM_TEST(an_order_that_is_none_gives_null),
	MM_TEST(wrong_frees_change_nothing),
	MM_TEST(owners_take_and_return_used_pages_only),
	MM_TEST(each_node_serves_itself_first),
	MM_TEST_END,
};
