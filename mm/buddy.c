// SPDX-License-Identifier: MIT
/*
 * The binary buddy: free memory is kept in blocks of 2^order pages that begin at a multiple of
 * their size. Every block of order n below the largest has one buddy, whose frame number differs in
 * bit n alone; two buddies that are both free are one block of order n + 1.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"

void buddy_init(struct zone *z)
{
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		list_init(&z->free_area[order].free_list);
		z->free_area[order].nr_free = 0;
	}
}

static void block_add(struct zone *z, struct page *page, unsigned order)
{
	page->state = PAGE_FREE;
	page->order = (uint8_t)order;
	list_add(&page->lru, &z->free_area[order].free_list);
	z->free_area[order].nr_free++;
}

static void block_remove(struct zone *z, struct page *page, unsigned order)
{
	list_del(&page->lru);
	z->free_area[order].nr_free--;
	page->state = PAGE_FREE_TAIL;
	page->order = 0;
}

/*
 * May the block at pfn merge with one of `order` in zone z? If
 * (a) the frame has a struct page: RAM may end between two buddies,
 * (b) it is the first page of a free block,
 * (c) that block has the same order, and
 * (d) the same zone (and so the same node): zones may meet inside of a block.
 */
static bool page_is_buddy(const struct zone *z, pfn_t pfn, unsigned order)
{
	const struct page *page = pfn_to_page(pfn);

	return pfn_valid(pfn) &&	   /* (a) */
	       page->state == PAGE_FREE && /* (b) */
	       page->order == order &&	   /* (c) */
	       page_zone(page) == z;	   /* (d) */
}

/*
 * Free order 0 at 5, with 4 and 6..7 free:
 *
 *       4   5   6   7            order 0: 5's buddy is 4 (5 ^ 1), free
 *     [ f ][ * ][ f   f ]        order 1: 4's buddy is 6 (4 ^ 2), free
 *     [ f   f ][ f   f ]         order 2: 4's buddy is 0 (4 ^ 4), in use: done
 *     [ f   f   f   f ]
 */
void buddy_free(struct zone *z, struct page *page, unsigned order)
{
	pfn_t pfn = page_to_pfn(page);

	z->stat[NR_FREE_PAGES] += 1u << order;
	for (; order < MAX_ORDER - 1; order++) {
		pfn_t buddy = pfn ^ 1u << order;

		if (!page_is_buddy(z, buddy, order))
			break;
		block_remove(z, pfn_to_page(buddy), order);
		pfn &= buddy;
	}
	block_add(z, pfn_to_page(pfn), order);
}

/*
 * Take order 0 from a block of order 3: the upper halves go back, largest first, so that the lists
 * of lower orders begin with the pieces of the block that was split last.
 *
 *     [ 0   1   2   3   4   5   6   7 ]
 *     [ 0   1   2   3 ][ order 2 free ]
 *     [ 0   1 ][ ord. 1 ]
 *     [ 0 ][ 1 ]
 */
struct page *buddy_take(struct zone *z, unsigned order)
{
	for (unsigned from = order; from < MAX_ORDER; from++) {
		struct free_area *area = &z->free_area[from];
		struct page *page;

		if (list_empty(&area->free_list))
			continue;
		page = list_first_entry(&area->free_list, struct page, lru);
		block_remove(z, page, from);
		while (from > order)
			from--, block_add(z, page + (1u << from), from);
		z->stat[NR_FREE_PAGES] -= 1u << order;
		return page;
	}
	return NULL;
}
