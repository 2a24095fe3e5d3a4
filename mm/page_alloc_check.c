// SPDX-License-Identifier: MIT
/*
 * Verifies what mmzone.h promises. Lists first, each link and each page on it; then every frame, so
 * that what claims to be on a list but is not, and what is nobody's, shows as well.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"
#include "mm/rmap.h"

static unsigned violations;

__attribute__((format(printf, 2, 3))) static void violation(const struct page *page,
							    const char *fmt, ...)
{
	char text[120];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	arch_printk("page_alloc_check: pfn %05x (%s, order %u, count %d): %s\n", page_to_pfn(page),
		    page_state_name(page->state), page->order, page->count, text);
	violations++;
}

static void zone_violation(const struct zone *z, const char *what, uint32_t is, uint32_t should_be)
{
	arch_printk("page_alloc_check: node %u zone %s: %s is %u, should be %u\n", z->node->id,
		    z->name, what, is, should_be);
	violations++;
}

static bool in_zone(const struct zone *z, pfn_t pfn)
{
	return pfn - z->start_pfn < z->spanned_pages;
}

/* The page that a node of one of z's lists is in, or NULL: the node lies in no page of z. */
static struct page *node_page(const struct zone *z, struct list_head *node)
{
	struct page *page = list_entry(node, struct page, lru);
	uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.mem_map;

	if (offset >= (uintptr_t)mm.max_pfn * sizeof(*page) || offset % sizeof(*page))
		return NULL;
	return in_zone(z, page_to_pfn(page)) ? page : NULL;
}

/*
 * Walk a list without trusting it: it may run out of the zone, have a broken back link, or a cycle,
 * which shows as more pages than the zone has. Returns how many pages are on it.
 */
static uint32_t check_list(const struct zone *z, const struct list_head *head, const char *what,
			   uint8_t state, unsigned order)
{
	const struct list_head *prev = head;
	uint32_t count = 0;

	list_for_each(node, head) {
		struct page *page = node_page(z, node);

		if (!page || node->prev != prev || count++ >= z->spanned_pages) {
			zone_violation(z, what, count, 0);
			arch_printk("page_alloc_check: the list is broken at %08x\n",
				    arch_vaddr(node));
			return count;
		}
		if (page->state != state || page->order != order)
			violation(page, "on the %s of order %u", what, order);
		if (page_to_pfn(page) & ((1u << order) - 1))
			violation(page, "block of order %u does not begin at its size", order);
		prev = node;
	}
	return count;
}

static void check_idle(const struct page *page)
{
	if (page->count || page->mapcount || page->compound || page->private)
		violation(page, "free page with references or an owner: %d maps, private %x",
			  page->mapcount, page->private);
}

/* What a frame after the first of a block must look like. */
static void check_tails(const struct page *head, uint8_t state)
{
	for (unsigned n = 1; n < 1u << head->order; n++) {
		const struct page *tail = head + n;
		const struct page *first = head->compound ? head : NULL;

		if (!pfn_valid(page_to_pfn(tail)) || tail->state != state) {
			violation(head, "page %u of the block is not its own", n);
			return;
		}
		if (state == PAGE_FREE_TAIL)
			check_idle(tail);
		if (tail->first_page != first)
			violation(tail, "first_page is %08x", arch_vaddr(tail->first_page));
		if (tail->zone != head->zone || tail->node != head->node)
			violation(tail, "in another zone than its block");
	}
}

/* Both halves of a block of the next order are free: they should be that block. */
static void check_unmerged(const struct zone *z, const struct page *page)
{
	pfn_t pfn = page_to_pfn(page), buddy = pfn ^ 1u << page->order;
	const struct page *other = pfn_to_page(buddy);

	if (page->order < MAX_ORDER - 1 && in_zone(z, buddy) && other->state == PAGE_FREE &&
	    other->order == page->order)
		violation(page, "its buddy %05x is free, too", buddy);
}

struct tally {
	uint32_t free_blocks, free_pages, pcp_pages;
};

/* The block at page; returns how many frames it has. */
static uint32_t check_block(const struct zone *z, const struct page *page, struct tally *tally)
{
	if (page->node != z->node->id || page->zone != z->type)
		violation(page, "says it is in node %u zone %u", page->node, page->zone);
	if (page->order >= MAX_ORDER) {
		violation(page, "order");
		return 1;
	}
	switch (page->state) {
	case PAGE_RESERVED:
		return 1;
	case PAGE_FREE:
		check_idle(page);
		check_tails(page, PAGE_FREE_TAIL);
		check_unmerged(z, page);
		tally->free_blocks++;
		tally->free_pages += 1u << page->order;
		return 1u << page->order;
	case PAGE_PCP:
		check_idle(page);
		tally->pcp_pages++;
		return 1;
	case PAGE_USED:
	case PAGE_SLAB:
	case PAGE_TABLE:
	case PAGE_VMALLOC:
	case PAGE_ANON:
	case PAGE_CACHE:
		if (page->count <= 0)
			violation(page, "used without a reference");
		if (page->state < PAGE_ANON ? page->mapcount : page->mapcount > page->count)
			violation(page, "%d user PTEs", page->mapcount);
		if (page->state == PAGE_ANON && !((uintptr_t)page->mapping & PAGE_MAPPING_ANON))
			violation(page, "anonymous page without anon_vma");
		check_tails(page, PAGE_USED_TAIL);
		return 1u << page->order;
	default: /* a tail whose head is not before it, or no state at all */
		violation(page, "in no block");
		return 1;
	}
}

static void check_zone(const struct zone *z)
{
	struct tally tally = { 0 };
	uint32_t blocks = 0, pcp;

	for (unsigned order = 0; order < MAX_ORDER; order++) {
		const struct free_area *area = &z->free_area[order];
		uint32_t n = check_list(z, &area->free_list, "free list", PAGE_FREE, order);

		if (n != area->nr_free)
			zone_violation(z, "nr_free", area->nr_free, n);
		blocks += n;
	}
	pcp = check_list(z, &z->pcp.list, "per-CPU list", PAGE_PCP, 0);
	for (uint32_t n = 0; n < z->spanned_pages;)
		n += check_block(z, pfn_to_page(z->start_pfn + n), &tally);
	if (tally.free_blocks != blocks)
		zone_violation(z, "free blocks on lists", blocks, tally.free_blocks);
	if (tally.free_pages != z->stat[NR_FREE_PAGES])
		zone_violation(z, "NR_FREE_PAGES", z->stat[NR_FREE_PAGES], tally.free_pages);
	if (pcp != z->pcp.count)
		zone_violation(z, "pcp.count", z->pcp.count, pcp);
	if (pcp != tally.pcp_pages)
		zone_violation(z, "pages on the per-CPU list", pcp, tally.pcp_pages);
}

unsigned page_alloc_check(void)
{
	uint32_t flags = arch_irq_save();

	violations = 0;
	for_each_populated_zone(z)
		check_zone(z);
	arch_irq_restore(flags);
	return violations;
}
