// SPDX-License-Identifier: MIT
/*
 * Pages by address, and in exact numbers.
 */
#include "mm/arch.h"
#include "mm/highmem.h"
#include "mm/page_internal.h"

/* --- by address ------------------------------------------------------------------------------- */

void *page_address(const struct page *page)
{
	if (page_is_highmem(page))
		return kmap_address(page);
	return phys_to_virt(page_to_phys(page));
}

void *__get_free_pages(gfp_t gfp, unsigned order)
{
	struct page *page;

	if (gfp & __GFP_HIGHMEM) {
		arch_printk("BUG: __get_free_pages: a HIGHMEM page has no address, mode:0x%x\n",
			    gfp);
		gfp &= ~__GFP_HIGHMEM;
	}
	page = alloc_pages(gfp, order);
	return page ? page_address(page) : NULL;
}

void free_pages(void *addr, unsigned order)
{
	if (!addr)
		return;
	if (!virt_addr_valid(addr))
		arch_printk("BUG: free_pages: %08x is not in the direct map\n", arch_vaddr(addr));
	else
		__free_pages(virt_to_page(addr), order);
}

/* --- exact ------------------------------------------------------------------------------------ */

void split_page(struct page *page, unsigned order)
{
	if (page->state != PAGE_USED || page->order != order || page->compound) {
		bad_page(page, "split of what is no block of this order");
		return;
	}
	for (unsigned n = 0; n < 1u << order; n++) {
		page[n].state = PAGE_USED;
		page[n].order = 0;
		page[n].count = 1;
	}
}

void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	unsigned order = get_order(bytes);
	char *addr = bytes ? __get_free_pages(gfp & ~__GFP_COMP, order) : NULL;
	size_t used = ((bytes - 1) | (PAGE_SIZE - 1)) + 1;

	if (!addr)
		return NULL;
	split_page(virt_to_page(addr), order);
	for (; used < (size_t)PAGE_SIZE << order; used += PAGE_SIZE)
		free_pages(addr + used, 0);
	return addr;
}

void free_pages_exact(void *addr, size_t bytes)
{
	for (size_t at = 0; addr && at < bytes; at += PAGE_SIZE)
		free_pages((char *)addr + at, 0);
}
