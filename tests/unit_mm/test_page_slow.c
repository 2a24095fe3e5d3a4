// SPDX-License-Identifier: MIT
/*
 * When memory is short: who is told, who reclaims, who waits, who gives up, and what is printed.
 */
#include "page_rig.h"

static struct list_head hoard;

static unsigned woken, reclaims;
static struct zone *woken_zone;

static void on_wake(struct zone *z, unsigned order)
{
	woken_zone = z;
	woken++;
}

static uint32_t reclaim_one(struct zone *z, unsigned order, gfp_t gfp)
{
	reclaims++;
	return give_one_back(&hoard);
}

static uint32_t reclaim_nothing(struct zone *z, unsigned order, gfp_t gfp)
{
	reclaims++;
	return 0;
}

/* Progress that helps nobody, three times. */
static uint32_t reclaim_pretend(struct zone *z, unsigned order, gfp_t gfp)
{
	return ++reclaims <= 3;
}

static void begin_short(void)
{
	page_begin();
	hog(&hoard, GFP_KERNEL);
	drain_all_pages();
	while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
		;
	woken = reclaims = 0;
	mm_host_log_clear();
}

/*
 * Normal goes down to its low mark, then DMA to its low mark and the reserve; only then is somebody
 * told, about Normal alone: DMA is above its own mark.
 */
static void reclaim_is_told_of_zones_below_their_low_mark(void)
{
	const struct zone *normal, *dma;

	page_begin();
	normal = zone(ZONE_NORMAL);
	dma = zone(ZONE_DMA);
	mm.wake_reclaim = on_wake;
	woken = 0;
	while (!woken)
		CU_ASSERT_PTR_NOT_NULL_FATAL(alloc_page(GFP_KERNEL));
	CU_ASSERT_EQUAL(woken, 1);
	CU_ASSERT_PTR_EQUAL(woken_zone, normal);
	CU_ASSERT(normal->stat[NR_FREE_PAGES] <= normal->watermark[WMARK_LOW]);
	CU_ASSERT_EQUAL(dma->stat[NR_FREE_PAGES],
			dma->watermark[WMARK_LOW] + dma->lowmem_reserve[ZONE_NORMAL]);
	mm_host_end();
}

static void who_may_wait_reclaims_and_gets_the_page(void)
{
	begin_short();
	while (alloc_page(GFP_NOWAIT | __GFP_NOWARN)) /* below the mark of those who may wait */
		;
	mm.reclaim = reclaim_one;
	CU_ASSERT_PTR_NULL(alloc_page(GFP_NOWAIT | __GFP_NOWARN));
	CU_ASSERT_PTR_NULL(alloc_page(GFP_NOWAIT | __GFP_NOWARN | __GFP_NORETRY));
	CU_ASSERT_EQUAL(reclaims, 0);
	CU_ASSERT_PTR_NOT_NULL(alloc_page(GFP_KERNEL));
	CU_ASSERT(reclaims > 0);
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	mm_host_end();
}

/* Two zones, Normal and DMA, are asked in each round. */
static void no_progress_is_the_end(void)
{
	begin_short();
	mm.reclaim = reclaim_nothing;
	CU_ASSERT_PTR_NULL(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	CU_ASSERT_EQUAL(reclaims, 2);
	mm_host_end();
}

static void progress_is_followed_up_unless_noretry_or_costly(void)
{
	begin_short();
	mm.reclaim = reclaim_pretend;
	CU_ASSERT_PTR_NULL(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	CU_ASSERT_EQUAL(reclaims, 6); /* progress in rounds one and two, none in the third */
	reclaims = 0;
	CU_ASSERT_PTR_NULL(alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY));
	CU_ASSERT_EQUAL(reclaims, 2);
	reclaims = 0;
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL | __GFP_NOWARN, PAGE_ALLOC_COSTLY_ORDER + 1));
	CU_ASSERT_EQUAL(reclaims, 2);
	mm_host_end();
}

static struct page *singles;

static uint32_t reclaim_singles(struct zone *z, unsigned order, gfp_t gfp)
{
	if (!singles)
		return 0;
	for (unsigned n = 0; n < 16; n++)
		__free_pages(singles + n, 0);
	singles = NULL;
	return 16;
}

/* 16 pages that are buddies, freed one by one, all fit on the per-CPU list (18): it is emptied. */
static void reclaimed_pages_coalesce_for_a_larger_order(void)
{
	page_begin();
	singles = alloc_pages(GFP_KERNEL, 4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(singles);
	split_page(singles, 4);
	hog(&hoard, GFP_KERNEL);
	drain_all_pages();
	hog(&hoard, GFP_KERNEL);
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3));
	mm.reclaim = reclaim_singles;
	CU_ASSERT_PTR_NOT_NULL(alloc_pages(GFP_KERNEL, 3));
	mm_host_end();
}

static uint32_t reclaim_late(struct zone *z, unsigned order, gfp_t gfp)
{
	return ++reclaims > 200 && give_one_back(&hoard);
}

static void nofail_waits_until_there_is_a_page(void)
{
	begin_short();
	mm.reclaim = reclaim_late;
	CU_ASSERT_PTR_NOT_NULL(alloc_page(GFP_KERNEL | __GFP_NOFAIL));
	CU_ASSERT(reclaims > 200);
	CU_ASSERT_EQUAL(mm_host.relaxed, 100); /* two zones a round */
	mm_host_end();
}

static void alloc_nofail(void *arg)
{
	alloc_page(GFP_KERNEL | __GFP_NOFAIL);
}

static void nofail_without_reclaim_panics(void)
{
	begin_short();
	CU_ASSERT(mm_host_expect_panic(alloc_nofail, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(mm_host.panic_text, "Out of memory: order 0, mode 0x810"));
	mm_host_end();
}

static void waiting_in_an_interrupt_is_named_and_not_done(void)
{
	begin_short();
	mm.reclaim = reclaim_one;
	mm_host.in_interrupt = true;
	while (alloc_page(GFP_KERNEL | __GFP_NOWARN))
		;
	CU_ASSERT(mm_host_logged("BUG: allocation that may sleep in an interrupt, mode:0x210"));
	CU_ASSERT_EQUAL(reclaims, 0);
	mm_host_end();
}

static void a_failure_is_reported_once_with_the_state_of_memory(void)
{
	begin_short();
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL, 2));
	CU_ASSERT(mm_host_logged("page allocation failure. order:2, mode:0x10\n"));
	CU_ASSERT_EQUAL(mm_host_log_count("page allocation failure"), 1);
	CU_ASSERT(mm_host_logged("Mem-Info:\nDMA free:"));
	CU_ASSERT(mm_host_logged("HighMem: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB "
				 "0*512kB 0*1024kB 0*2048kB 8*4096kB = 32768kB\n"));
	mm_host_log_clear();
	CU_ASSERT_PTR_NULL(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 2));
	CU_ASSERT_STRING_EQUAL(mm_host_log(), "");
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(reclaim_is_told_of_zones_below_their_low_mark),
	UNIT_TEST(who_may_wait_reclaims_and_gets_the_page),
	UNIT_TEST(no_progress_is_the_end),
	UNIT_TEST(progress_is_followed_up_unless_noretry_or_costly),
	UNIT_TEST(reclaimed_pages_coalesce_for_a_larger_order),
	UNIT_TEST(nofail_waits_until_there_is_a_page),
	UNIT_TEST(nofail_without_reclaim_panics),
	UNIT_TEST(waiting_in_an_interrupt_is_named_and_not_done),
	UNIT_TEST(a_failure_is_reported_once_with_the_state_of_memory),
	UNIT_END,
};

const struct unit_suite suite_page_slow = { "page_slow", tests };
