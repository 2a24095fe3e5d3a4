/* SPDX-License-Identifier: MIT */
/*
 * What the files of the page allocator share, and nobody else uses:
 *
 *   zones_init.c  nodes, zones, zonelists; hands memory to the buddy
 *   watermark.c   reserves and watermarks
 *   buddy.c       blocks of 2^order pages
 *   pcp.c         per-CPU lists of single pages before the buddy
 *   page_alloc.c  alloc_pages(), bulk, __free_pages(), put_page()
 *   page_range.c  exact and by-address forms
 *   dma.c         memory for devices
 *   page_report.c what is printed when something is wrong
 *
 * Functions that change a zone's lists want interrupts off, or mm.pcp_busy set for a per-CPU list.
 */
#ifndef MM_PAGE_INTERNAL_H
#define MM_PAGE_INTERNAL_H

#include "mm/page_alloc.h"

#define PAGE_ALLOC_COSTLY_ORDER 3 /* above it, failing is better than trying for long */
#define SWAP_CLUSTER_MAX 32

/* Populated zones of all nodes, in order of address within a node. */
#define for_each_populated_zone(z)                                                                 \
	for (unsigned n_##z = 0; n_##z < mm.nodes * MAX_NR_ZONES; n_##z++)                         \
		for (struct zone *z = &mm.node[n_##z / MAX_NR_ZONES].zone[n_##z % MAX_NR_ZONES];   \
		     z && z->present_pages; z = NULL)

/* The highest zone that may serve a request: DMA is the stronger wish. */
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	return gfp & __GFP_HIGHMEM ? ZONE_HIGHMEM : ZONE_NORMAL;
}

/* --- zones and watermarks --------------------------------------------------------------------- */

uint32_t int_sqrt(uint32_t x);
/* Lowmem that zones hold, above their high watermarks, in pages (nr_free_buffer_pages). */
uint32_t nr_lowmem_pages(void);

/* --- buddy ------------------------------------------------------------------------------------ */

/* Empty lists. */
void buddy_init(struct zone *z);

/* A free block's pages, before buddy_free() or after buddy_take(), are all PAGE_FREE_TAIL. */
void buddy_free(struct zone *z, struct page *page, unsigned order);
/* NULL: no block of this order or above. */
struct page *buddy_take(struct zone *z, unsigned order);

/* --- per-CPU lists ---------------------------------------------------------------------------- */

/* Pages to move at once, from the size of the zone (zone_batchsize). */
uint32_t pcp_batch(uint32_t present_pages);
void pcp_init(struct zone *z);
/* Up to pcp.batch pages from the buddy. */
void pcp_refill(struct zone *z);
/* A batch, the coldest, goes back to the buddy. */
MM_REGPARM void pcp_relieve(struct zone *z);

/* Around what changes a list with interrupts on, after a look at mm.pcp_busy. */
static inline void pcp_enter(void)
{
	mm.pcp_busy = 1;
	barrier();
}

static inline void pcp_leave(void)
{
	barrier();
	mm.pcp_busy = 0;
}

/*
 * The first page of the list, or NULL. Its links become NULL, as list_del() would leave them. Where
 * the statistic takes more than one instruction, an interrupt's own may be lost.
 */
static inline struct page *pcp_pop(struct zone *z)
{
	struct list_head *head = &z->pcp.list, *first = head->next;

	if (unlikely(first == head))
		return NULL;
	head->next = first->next;
	first->next->prev = head;
	first->next = first->prev = NULL;
	z->pcp.count--;
	z->stat[NR_ALLOC_SUCCESS]++;
	return list_entry(first, struct page, lru);
}

/* Hot: the page that was freed last is given out first. True: the list is too long now. */
static inline bool pcp_push(struct zone *z, struct page *page)
{
	list_add(&page->lru, &z->pcp.list);
	return ++z->pcp.count >= z->pcp.high;
}

/* --- reports ---------------------------------------------------------------------------------- */

/* Linux's "BUG: Bad page state"; `problem` says what is wrong. The page stays as it is. */
void bad_page(const struct page *page, const char *problem);
/* Why page may not be freed with this order, or NULL. */
const char *free_problem(const struct page *page, unsigned order);
void warn_alloc_failed(gfp_t gfp, unsigned order);

#endif
