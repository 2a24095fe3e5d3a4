/* SPDX-License-Identifier: MIT */
/*
 * What the page allocator's suites share: a machine with all three zones, and all its memory taken.
 */
#ifndef TESTS_UNIT_MM_PAGE_RIG_H
#define TESTS_UNIT_MM_PAGE_RIG_H

#include "mm/page_internal.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

static inline void page_begin(void)
{
	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 128 << 20, .highmem = 32 << 20 });
	mm_host_log_clear();
}

static inline void page_end(void)
{
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

static inline struct zone *zone(enum zone_type type)
{
	return &mm.node[0].zone[type];
}

/* All that gfp gets, largest blocks first, linked by the heads. */
static inline void hog(struct list_head *hoard, gfp_t gfp)
{
	struct page *page;

	list_init(hoard);
	for (unsigned order = MAX_ORDER; order--;)
		while ((page = alloc_pages(gfp | __GFP_NOWARN, order)))
			list_add(&page->lru, hoard);
}

/* The block that was taken last. */
static inline bool give_one_back(struct list_head *hoard)
{
	struct page *page;

	if (list_empty(hoard))
		return false;
	page = list_first_entry(hoard, struct page, lru);
	list_del(&page->lru);
	__free_pages(page, page->order);
	return true;
}

#endif
