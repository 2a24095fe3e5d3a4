// SPDX-License-Identifier: MIT
/*
 * Misuse of the page allocator: each kind is named, with the page, and nothing is done.
 */
#include "page_rig.h"

static void expect_report(const char *problem, pfn_t pfn)
{
	char text[128];

	snprintf(text, sizeof(text), "BUG: Bad page state: %s  pfn:%05x\n", problem, pfn);
	CU_ASSERT(mm_host_logged(text));
	CU_ASSERT_EQUAL(mm_host_log_count("BUG:"), 1);
	mm_host_log_clear();
}

static void double_free_is_named(void)
{
	struct page *one, *block;

	page_begin();
	one = alloc_page(GFP_KERNEL);
	__free_pages(one, 0);
	__free_pages(one, 0); /* on a per-CPU list */
	CU_ASSERT(mm_host_logged("state:per-cpu list order:0 count:0 mapcount:0 zone:Normal"));
	expect_report("double free", page_to_pfn(one));
	drain_all_pages();
	__free_pages(one, 0); /* in the buddy */
	expect_report("double free", page_to_pfn(one));
	block = alloc_pages(GFP_KERNEL, 3);
	__free_pages(block, 3);
	__free_pages(block + 5, 0); /* inside of a free block */
	expect_report("double free", page_to_pfn(block + 5));
	page_end();
}

static void wrong_order_is_named(void)
{
	struct page *page;

	page_begin();
	page = alloc_pages(GFP_KERNEL, 2);
	__free_pages(page, 1);
	CU_ASSERT(mm_host_logged("state:used order:2 count:1"));
	expect_report("free of a wrong order", page_to_pfn(page));
	__free_pages(page, 0);
	expect_report("free of a wrong order", page_to_pfn(page));
	__free_pages(page + 1, 0);
	expect_report("free of a page inside of a block", page_to_pfn(page + 1));
	put_page(page); /* no compound page: one page, in Linux */
	expect_report("free of a wrong order", page_to_pfn(page));
	page[3].private = 7; /* an owner may have used it */
	__free_pages(page, 2);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	page_end();
}

static void reserved_pages_are_not_freed(void)
{
	page_begin();
	__free_pages(pfn_to_page(256), 0); /* the kernel's first */
	expect_report("free of a reserved page", 256);
	__free_pages(pfn_to_page(200), 0); /* the hole of a PC */
	expect_report("free of a reserved page", 200);
	__free_pages(virt_to_page(mm.mem_map), 0);
	expect_report("free of a reserved page", virt_to_phys(mm.mem_map) >> PAGE_SHIFT);
	page_end();
}

static void pages_in_use_are_not_freed(void)
{
	struct page *page;

	page_begin();
	page = alloc_page(GFP_KERNEL);
	get_page(page);
	__free_pages(page, 0);
	expect_report("free of a page with references", page_to_pfn(page));
	put_page(page);
	page->mapcount = 1;
	__free_pages(page, 0);
	expect_report("free of a mapped page", page_to_pfn(page));
	page->mapcount = 0;
	page_set_state(page, PAGE_TABLE);
	__free_pages(page, 0);
	CU_ASSERT(mm_host_logged("state:page table"));
	expect_report("free of a page that has an owner", page_to_pfn(page));
	page_set_state(page, PAGE_USED);
	page->count = -1;
	__free_pages(page, 0);
	expect_report("negative count", page_to_pfn(page));
	put_page(page);
	expect_report("negative count", page_to_pfn(page));
	page->count = 1;
	__free_pages(page, 0);
	page_end();
}

static void put_page_of_a_free_page_is_named(void)
{
	struct page *page;

	page_begin();
	page = alloc_page(GFP_KERNEL);
	put_page(page);
	put_page(page);
	expect_report("negative count", page_to_pfn(page));
	page_end();
}

static void what_is_no_page_is_named(void)
{
	char text[64];

	page_begin();
	__free_pages(NULL, 0);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "BUG: Bad page: 00000000 is no struct page\n");
	mm_host_log_clear();
	free_pages(arch_ptr(0xf7000000), 0);
	snprintf(text, sizeof(text), "BUG: free_pages: f7000000 is not in the direct map\n");
	CU_ASSERT_STRING_EQUAL(mm_host_log(), text);
	mm_host_log_clear();
	free_pages(NULL, 0);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	page_end();
}

static void owner_changes_that_make_no_sense_are_named(void)
{
	struct page *page;

	page_begin();
	page = alloc_page(GFP_KERNEL);
	page_set_state(page, PAGE_USED);
	expect_report("change to a state it may not have", page_to_pfn(page));
	page_set_state(page, PAGE_SLAB);
	page_set_state(page, PAGE_VMALLOC);
	expect_report("change to a state it may not have", page_to_pfn(page));
	page_set_state(page, PAGE_USED);
	__free_pages(page, 0);
	page_set_state(page, PAGE_SLAB);
	expect_report("change to a state it may not have", page_to_pfn(page));
	page_end();
}

static void splits_that_make_no_sense_are_named(void)
{
	struct page *page;

	page_begin();
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	split_page(page, 1);
	expect_report("split of what is no block of this order", page_to_pfn(page));
	__free_pages(page, 1);
	page_end();
}

static void orders_and_zones_that_are_none_are_named(void)
{
	void *p;

	page_begin();
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL, 11));
	CU_ASSERT(mm_host_logged("WARNING: alloc_pages: order 11 is not in 0..10\n"));
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL, (unsigned)-1));
	CU_ASSERT(mm_host_logged("WARNING: alloc_pages: order -1 is not in 0..10\n"));
	mm_host_log_clear();
	p = __get_free_pages(GFP_HIGHUSER, 0);
	CU_ASSERT(mm_host_logged("BUG: __get_free_pages: a HIGHMEM page has no address"));
	CU_ASSERT(p && !page_is_highmem(virt_to_page(p)));
	free_pages(p, 0);
	page_end();
}

static void dma_memory_goes_back_where_it_came_from(void)
{
	paddr_t bus;
	void *p;

	page_begin();
	p = dma_alloc_coherent(PAGE_SIZE, &bus, GFP_KERNEL);
	dma_free_coherent(PAGE_SIZE, p, bus + PAGE_SIZE);
	CU_ASSERT(mm_host_logged("BUG: dma_free_coherent"));
	CU_ASSERT_EQUAL(virt_to_page(p)->state, PAGE_USED);
	dma_free_coherent(PAGE_SIZE, p, bus);
	dma_free_coherent(PAGE_SIZE, NULL, 0);
	CU_ASSERT_EQUAL(mm_host_log_count("BUG"), 1);
	page_end();
}

static void pa_of(void *arg)
{
	virt_to_phys(arg);
}

static void physical_addresses_are_of_the_direct_map_only(void)
{
	page_begin();
	CU_ASSERT(mm_host_expect_panic(pa_of, arch_ptr(mm.high_memory)));
	CU_ASSERT_STRING_EQUAL(mm_host.panic_text,
			       "virt_to_phys: c6000000 is not in the direct map");
	CU_ASSERT(mm_host_expect_panic(pa_of, arch_ptr(PAGE_OFFSET - 1)));
	CU_ASSERT_FALSE(mm_host_expect_panic(pa_of, arch_ptr(mm.high_memory - 1)));
	CU_ASSERT_EQUAL(virt_to_phys(arch_ptr(0xc0123456)), 0x123456);
	page_end();
}

/* --- free pages that were written to ---------------------------------------------------------- */

static void a_changed_free_page_is_lost_and_the_next_is_given(void)
{
	struct page *bad, *page;

	page_begin();
	bad = alloc_page(GFP_KERNEL);
	__free_pages(bad, 0);
	bad->mapcount = 1;
	page = alloc_page(GFP_KERNEL);
	CU_ASSERT(page && page != bad);
	expect_report("free page was changed", page_to_pfn(bad));
	bad->mapcount = 0;
	bad->state = PAGE_USED; /* as if it had been given out */
	bad->count = 1;
	__free_pages(bad, 0);
	__free_pages(page, 0);
	page_end();
}

static void a_changed_free_block_is_lost_and_the_next_is_given(void)
{
	struct page *bad, *page;

	page_begin();
	bad = alloc_pages(GFP_KERNEL, 5);
	__free_pages(bad, 5);
	bad[7].count = 3;
	page = alloc_pages(GFP_KERNEL, 5);
	CU_ASSERT(page && page != bad);
	expect_report("free page was changed", page_to_pfn(bad + 7));
	__free_pages(page, 5);
	mm_host_end(); /* the block is in no state: what the checker says has its own test */
}

static const struct unit_test tests[] = {
	UNIT_TEST(double_free_is_named),
	UNIT_TEST(wrong_order_is_named),
	UNIT_TEST(reserved_pages_are_not_freed),
	UNIT_TEST(pages_in_use_are_not_freed),
	UNIT_TEST(put_page_of_a_free_page_is_named),
	UNIT_TEST(what_is_no_page_is_named),
	UNIT_TEST(owner_changes_that_make_no_sense_are_named),
	UNIT_TEST(splits_that_make_no_sense_are_named),
	UNIT_TEST(orders_and_zones_that_are_none_are_named),
	UNIT_TEST(dma_memory_goes_back_where_it_came_from),
	UNIT_TEST(physical_addresses_are_of_the_direct_map_only),
	UNIT_TEST(a_changed_free_page_is_lost_and_the_next_is_given),
	UNIT_TEST(a_changed_free_block_is_lost_and_the_next_is_given),
	UNIT_END,
};

const struct unit_suite suite_page_misuse = { "page_misuse", tests };
