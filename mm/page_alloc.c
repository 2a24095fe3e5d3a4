// SPDX-License-Identifier: MIT
/*
 * alloc_pages() and __free_pages().
 *
 * The fast path takes a page from the first zone that stays above its low watermark. The slow path
 * tells reclaim, goes down to the min watermark and below it as far as the caller is entitled to,
 * and, for callers that may wait, reclaims and tries again.
 */
#include "mm/arch.h"
#include "mm/highmem.h"
#include "mm/page_internal.h"

/* --- taking a block --------------------------------------------------------------------------- */

static inline bool untouched(const struct page *page, uint8_t state)
{
	return page->state == state && !(page->count | page->mapcount);
}

static inline void make_head(struct page *page)
{
	page->state = PAGE_USED;
	page->count = 1;
}

/*
 * A page from a per-CPU list becomes a used one. False: somebody wrote to it while it was free; it
 * is reported, and lost.
 */
static inline bool prep_single(struct page *page)
{
	if (unlikely(!untouched(page, PAGE_PCP))) {
		bad_page(page, "free page was changed");
		return false;
	}
	make_head(page);
	return true;
}

/* The same for a block of the buddy. */
static bool prep_block(struct page *page, unsigned order, bool compound)
{
	for (unsigned n = 0; n < 1u << order; n++) {
		if (unlikely(!untouched(&page[n], PAGE_FREE_TAIL))) {
			bad_page(&page[n], "free page was changed");
			return false;
		}
	}
	make_head(page);
	page->order = (uint8_t)order;
	page->compound = compound;
	for (unsigned n = 1; n < 1u << order; n++) {
		page[n].state = PAGE_USED_TAIL;
		page[n].first_page = compound ? page : NULL;
	}
	return true;
}

static void zero_block(struct page *page, unsigned order)
{
	if (!page_is_highmem(page))
		memset(page_address(page), 0, (size_t)PAGE_SIZE << order);
	else
		for (unsigned n = 0; n < 1u << order; n++)
			clear_highpage(page + n);
}

/* A page by way of the per-CPU list. */
static struct page *zone_take_single(struct zone *z)
{
	struct page *page;
	uint32_t flags;

	do {
		flags = arch_irq_save();
		if (!z->pcp.count)
			pcp_refill(z);
		page = pcp_pop(z);
		arch_irq_restore(flags);
	} while (page && !prep_single(page));
	return page;
}

static struct page *zone_take(struct zone *z, unsigned order, gfp_t gfp)
{
	struct page *page;
	uint32_t flags;

	if (!order && !mm.pcp_busy)
		return zone_take_single(z);
	do {
		flags = arch_irq_save();
		page = buddy_take(z, order);
		z->stat[NR_ALLOC_SUCCESS] += page != NULL;
		arch_irq_restore(flags);
	} while (page && !prep_block(page, order, gfp & __GFP_COMP));
	return page;
}

/* From the first zone of the list that stays above its watermark. */
static struct page *take_from(const struct zonelist *list, gfp_t gfp, unsigned order,
			      enum zone_watermarks mark, unsigned flags)
{
	for (struct zone *const *next = list->zone; *next; next++) {
		struct zone *z = *next;
		struct page *page;

		/* The type of the first zone is what the reserves of the others are for. */
		if (!zone_watermark_ok(z, order, z->watermark[mark],
				       (enum zone_type)list->zone[0]->type, flags))
			continue;
		page = zone_take(z, order, gfp);
		if (page)
			return page;
	}
	return NULL;
}

/* --- the slow path ---------------------------------------------------------------------------- */

/* What kswapd's wakeup is in Linux: zones that are above their low watermark are left alone. */
static void wake_all(const struct zonelist *list, unsigned order)
{
	for (struct zone *const *next = list->zone; mm.wake_reclaim && *next; next++)
		if (!zone_watermark_ok(*next, order, (*next)->watermark[WMARK_LOW], ZONE_DMA, 0))
			mm.wake_reclaim(*next, order);
}

static uint32_t reclaim_all(const struct zonelist *list, gfp_t gfp, unsigned order)
{
	uint32_t freed = 0;

	for (struct zone *const *next = list->zone; mm.reclaim && *next; next++)
		freed += mm.reclaim(*next, order, gfp);
	/* Pages that were freed one by one do not coalesce while they are on a per-CPU list. */
	if (order)
		drain_all_pages();
	return freed;
}

/*
 * After a round of reclaim that brought no page. Small orders go on while there is progress;
 * without any, Linux would now kill a process, and we have no such thing yet: give up, unless the
 * caller cannot. When nothing can ever be reclaimed, waiting for it is no answer either.
 */
static bool try_again(gfp_t gfp, unsigned order, uint32_t freed)
{
	if (gfp & __GFP_NORETRY)
		return false;
	if (gfp & __GFP_NOFAIL) {
		if (!mm.reclaim)
			arch_panic("Out of memory: order %u, mode 0x%x must not fail, and there "
				   "is nothing to reclaim",
				   order, gfp);
		arch_relax();
		return true;
	}
	return order <= PAGE_ALLOC_COSTLY_ORDER && freed;
}

static struct page *alloc_slow(const struct zonelist *list, gfp_t gfp, unsigned order)
{
	unsigned flags = gfp & __GFP_HIGH ? ALLOC_HIGH : 0;
	bool may_wait = gfp & __GFP_WAIT;
	struct page *page;
	uint32_t freed;

	if (may_wait && arch_in_interrupt()) {
		arch_printk("BUG: allocation that may sleep in an interrupt, mode:0x%x\n", gfp);
		may_wait = false;
	}
	if (!may_wait)
		flags |= ALLOC_HARDER;
	wake_all(list, order);
	page = take_from(list, gfp, order, WMARK_MIN, flags);
	while (!page && may_wait) {
		freed = reclaim_all(list, gfp, order);
		page = take_from(list, gfp, order, WMARK_MIN, flags);
		if (!page && !try_again(gfp, order, freed))
			break;
	}
	if (!page)
		warn_alloc_failed(gfp, order);
	return page;
}

MM_REGPARM struct page *alloc_pages_node(unsigned node, gfp_t gfp, unsigned order)
{
	const struct zonelist *list;
	struct page *page;

	if (unlikely(order >= MAX_ORDER)) {
		if (!(gfp & __GFP_NOWARN))
			arch_printk("WARNING: alloc_pages: order %d is not in 0..%d\n", (int)order,
				    MAX_ORDER - 1);
		return NULL;
	}
	if (unlikely(mm.fail_alloc) && !(gfp & __GFP_NOFAIL) &&
	    mm.fail_alloc("alloc_pages", (size_t)PAGE_SIZE << order, gfp))
		return NULL;
	list = &mm.node[node < mm.nodes ? node : 0].zonelist[gfp_zone(gfp)];
	page = take_from(list, gfp, order, WMARK_LOW, 0);
	if (!page)
		page = alloc_slow(list, gfp, order);
	if (page && gfp & __GFP_ZERO)
		zero_block(page, order);
	return page;
}

/*
 * (Not inline, here and below: a call that is not the last act costs the fast path its registers.)
 */
MM_REGPARM __attribute__((noinline)) static struct page *alloc_rest(struct page *bad, gfp_t gfp)
{
	bad_page(bad, "free page was changed");
	return alloc_pages_node(0, gfp, 0);
}

/*
 * Most requests are for a single page that lies ready on the list of the first zone. This does for
 * them what alloc_pages_node() does, in 40 instructions, and leaves the rest to it: no calls, so no
 * registers to save. (lowmem_reserve of a zone against its own type is 0.)
 */
MM_REGPARM struct page *alloc_pages(gfp_t gfp, unsigned order)
{
	struct zone *z = mm.first_zone[gfp & GFP_ZONEMASK];
	struct page *page;

	if (unlikely(order | (gfp & __GFP_ZERO) | mm.pcp_busy | (uintptr_t)mm.fail_alloc) ||
	    unlikely(z->stat[NR_FREE_PAGES] <= z->watermark[WMARK_LOW]))
		return alloc_pages_node(0, gfp, order);
	pcp_enter();
	if (unlikely(list_empty(&z->pcp.list))) {
		pcp_leave();
		return alloc_pages_node(0, gfp, 0);
	}
	page = pcp_pop(z);
	pcp_leave();
	if (unlikely(!untouched(page, PAGE_PCP)))
		return alloc_rest(page, gfp);
	make_head(page);
	return page;
}

/* What lies ready in the first zone above its low mark, with interrupts switched once. */
static unsigned take_ready(gfp_t gfp, unsigned count, struct page **pages)
{
	struct zone *z = mm.first_zone[gfp & GFP_ZONEMASK];
	uint32_t flags = arch_irq_save();
	unsigned got = 0;

	while (got < count && z->stat[NR_FREE_PAGES] > z->watermark[WMARK_LOW]) {
		if (!z->pcp.count)
			pcp_refill(z);
		pages[got] = pcp_pop(z);
		if (!pages[got])
			break;
		got += prep_single(pages[got]);
	}
	arch_irq_restore(flags);
	return got;
}

/*
 * The rest one by one, the slow path and its report for the first page alone: fewer than asked is
 * an answer here.
 */
unsigned alloc_pages_bulk(gfp_t gfp, unsigned count, struct page **pages)
{
	bool ready = !mm.fail_alloc && !mm.pcp_busy && !(gfp & __GFP_ZERO);
	unsigned got = ready ? take_ready(gfp, count, pages) : 0;

	while (got < count) {
		pages[got] = alloc_page(got ? gfp | __GFP_NOWARN : gfp);
		if (!pages[got])
			break;
		got++;
	}
	return got;
}

/* --- giving back ------------------------------------------------------------------------------ */

static void free_block(struct page *page, unsigned order)
{
	uint32_t flags;

	page->count = 0;
	page->order = 0;
	page->compound = 0;
	for (unsigned n = 0; n < 1u << order; n++) {
		page[n].state = PAGE_FREE_TAIL;
		page[n].first_page = NULL;
		page[n].private = 0;
	}
	flags = arch_irq_save();
	buddy_free(page_zone(page), page, order);
	arch_irq_restore(flags);
}

/* What __free_pages() does not do itself: report, and blocks. */
MM_REGPARM __attribute__((noinline)) static void free_rest(struct page *page, unsigned order)
{
	const char *problem = free_problem(page, order);

	if (problem)
		bad_page(page, problem);
	else
		free_block(page, order);
}

/* As fast as alloc_pages(), for the same pages. */
MM_REGPARM void __free_pages(struct page *page, unsigned order)
{
	struct zone *z;
	bool too_long;

	/* free_problem()'s conditions; a single page has no others. */
	if (unlikely(order | mm.pcp_busy) || unlikely(!page) ||
	    unlikely(page->state != PAGE_USED || page->order) ||
	    unlikely((page->count ^ 1) | page->mapcount)) {
		free_rest(page, order);
		return;
	}
	page->count = 0;
	page->private = 0;
	page->state = PAGE_PCP;
	z = page_zone(page);
	pcp_enter();
	too_long = pcp_push(z, page);
	pcp_leave();
	if (unlikely(too_long))
		pcp_relieve(z);
}

MM_REGPARM void put_page(struct page *page)
{
	page = compound_head(page);
	if (unlikely(page->count <= 0)) {
		bad_page(page, "negative count");
		return;
	}
	if (page->count > 1) {
		page->count--;
		return;
	}
	/*
	 * Anonymous memory belongs to those who have references; the last takes the state with it.
	 */
	if (page->state == PAGE_ANON) {
		page->state = PAGE_USED;
		page->mapping = NULL;
		page->index = 0;
	}
	__free_pages(page, page->compound ? page->order : 0);
}

void page_set_state(struct page *page, enum page_state state)
{
	bool was_used = page->state == PAGE_USED;
	bool owned = page->state >= PAGE_SLAB && page->state <= PAGE_CACHE;
	bool own = state >= PAGE_SLAB && state <= PAGE_CACHE;

	if (!(was_used && own) && !(owned && state == PAGE_USED)) {
		bad_page(page, "change to a state it may not have");
		return;
	}
	page->state = state;
	if (state == PAGE_USED) /* the owner's fields go with it */
		memset(&page->lru, 0, sizeof(*page) - offsetof(struct page, lru));
}

/* --- counting --------------------------------------------------------------------------------- */

uint32_t zone_page_state(const struct zone *z, enum zone_stat_item item)
{
	return z->stat[item];
}

uint32_t global_page_state(enum zone_stat_item item)
{
	uint32_t sum = 0;

	for_each_populated_zone(z)
		sum += z->stat[item];
	return sum;
}

uint32_t nr_free_pages(void)
{
	return global_page_state(NR_FREE_PAGES);
}

uint32_t nr_free_highpages(void)
{
	uint32_t sum = 0;

	for_each_populated_zone(z)
		if (z->type == ZONE_HIGHMEM)
			sum += z->stat[NR_FREE_PAGES];
	return sum;
}
