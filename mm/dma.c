// SPDX-License-Identifier: MIT
/*
 * Memory for devices without an IOMMU and, mostly, without scatter and gather: they want one
 * physical range, and those of the ISA bus reach only the first 16 MiB.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"
#include "mm/vmalloc.h"

void *dma_alloc_coherent(size_t bytes, paddr_t *dma_handle, gfp_t gfp)
{
	void *addr = NULL;

	if (bytes)
		addr = __get_free_pages((gfp & ~__GFP_HIGHMEM) | GFP_DMA | __GFP_ZERO,
					get_order(bytes));
	if (addr)
		*dma_handle = virt_to_phys(addr);
	return addr;
}

void dma_free_coherent(size_t bytes, void *addr, paddr_t dma_handle)
{
	if (addr && virt_to_phys(addr) != dma_handle) {
		arch_printk("BUG: dma_free_coherent: %08x is not at %08x\n", arch_vaddr(addr),
			    dma_handle);
		return;
	}
	free_pages(addr, get_order(bytes));
}

/* The frame behind a kernel address, however it is mapped. */
static bool kernel_pfn(const char *addr, pfn_t *pfn)
{
	const struct page *page = virt_addr_valid(addr)	  ? virt_to_page(addr)
				  : is_vmalloc_addr(addr) ? vmalloc_to_page(addr)
							  : NULL;

	if (page)
		*pfn = page_to_pfn(page);
	return page;
}

unsigned dma_segments(const void *addr, size_t bytes)
{
	const char *at = (const char *)addr - (arch_vaddr(addr) & ~PAGE_MASK);
	const char *end = (const char *)addr + bytes;
	unsigned segments = 0;
	pfn_t pfn, expected = 0;

	for (; at < end; at += PAGE_SIZE) {
		if (!kernel_pfn(at, &pfn))
			return 0;
		if (!segments || pfn != expected)
			segments++;
		expected = pfn + 1;
	}
	return segments;
}
