/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: buddy lists of orders 0..10 in each zone, per-CPU lists of single pages
 * before them, watermarks and reserves, by the formulas of Linux 2.6.32 (mm/page_alloc.c).
 *
 * All functions may be called with interrupts on or off, also from interrupt handlers with
 * GFP_ATOMIC.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "mm/arch.h"
#include "mm/mmzone.h"

/* --- boot ------------------------------------------------------------------------------------- */

struct mm_boot {
	uint32_t kernel_start, kernel_end; /* physical: reserved */
	uint64_t mem_limit;		   /* mem=: 0 for none */
	uint64_t highmem_bytes;		   /* highmem= */
	bool has_highmem;
	unsigned numa; /* numa=N: split RAM into N nodes; 0 or 1 for one */
};

/*
 * Zones from what memblock knows: sizes nodes, zones and mem_map, watermarks, zonelists. Bad values
 * in `boot` are ignored with a message that quotes them, as Linux does.
 */
void zones_init(const struct mm_boot *boot);
/* Hand all free memory to the buddy; memblock ends here. Prints the "Memory:" line. */
void mem_init(void);

/*
 * Formulas, also for tests: pages for min_free_kbytes from lowmem (4 * sqrt(lowmem_kbytes),
 * 128..65536).
 */
uint32_t min_free_kbytes_for(uint32_t lowmem_kbytes);
void setup_per_zone_wmarks(void);
void setup_per_zone_lowmem_reserve(void);

/*
 * Would an allocation of `order` leave the zone above `mark`? The per-order rule of 2.6.32: free
 * pages of each lower order do not count, and the mark halves with each order. `highest` is the
 * zone type the caller could use at most: lowmem_reserve protects this zone from it.
 */
#define ALLOC_HIGH 0x20u   /* may go to half the mark */
#define ALLOC_HARDER 0x10u /* and a quarter below that */
bool zone_watermark_ok(const struct zone *z, unsigned order, uint32_t mark, enum zone_type highest,
		       unsigned flags);

/* --- pages ------------------------------------------------------------------------------------ */

/* 2^order pages, physically contiguous. NULL: none (a report is printed unless __GFP_NOWARN). */
MM_REGPARM struct page *alloc_pages(gfp_t gfp, unsigned order);
static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/* The same from a node's zonelist; falls back to the others. */
MM_REGPARM struct page *alloc_pages_node(unsigned node, gfp_t gfp, unsigned order);

/*
 * Give back. A double free, a wrong order, a reserved page, one with references: caught, named with
 * the page and its state (bad_page), and not done.
 */
MM_REGPARM void __free_pages(struct page *page, unsigned order);

/* By address in the direct map; NULL and 0 for failure and no-op. No __GFP_HIGHMEM. */
void *__get_free_pages(gfp_t gfp, unsigned order);
static inline void *get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}
void free_pages(void *addr, unsigned order);

/* References, of the head if it is a compound page: put frees at zero. */
static inline void get_page(struct page *page)
{
	compound_head(page)->count++;
}
MM_REGPARM void put_page(struct page *page);
/* For counts that users drive: false, and nothing done, where one more would not fit. */
static inline bool try_get_page(struct page *page)
{
	page = compound_head(page);
	if (unlikely(page->count == INT32_MAX))
		return false;
	page->count++;
	return true;
}

/* The smallest order whose block holds `bytes`. */
static inline unsigned get_order(size_t bytes)
{
	unsigned order = 0;

	for (size_t pages = (bytes - 1) >> PAGE_SHIFT; bytes && pages; pages >>= 1)
		order++;
	return order;
}

/* A block that is not compound becomes single pages, each with its own count and freed alone. */
void split_page(struct page *page, unsigned order);

/* `bytes` rounded up to pages, the tail of the block given back. */
void *alloc_pages_exact(size_t bytes, gfp_t gfp);
void free_pages_exact(void *addr, size_t bytes);

/* Physically contiguous memory below 16 MiB for a device, and where the device sees it. */
void *dma_alloc_coherent(size_t bytes, paddr_t *dma_handle, gfp_t gfp);
void dma_free_coherent(size_t bytes, void *addr, paddr_t dma_handle);

/*
 * In how many physically contiguous pieces [addr, addr + bytes) lies: 1 for what this allocator
 * gave, up to one a page for vmalloc's, which is why that is no memory for a device. 0: part is not
 * mapped, or there is nothing.
 */
unsigned dma_segments(const void *addr, size_t bytes);

/* Bulk: as many of `count` single pages as there are; returns how many. */
unsigned alloc_pages_bulk(gfp_t gfp, unsigned count, struct page **pages);

/* Empty the per-CPU lists into the buddy; not from an interrupt that came upon a fast path. */
void drain_all_pages(void);

/*
 * State of a used page, for its owner: PAGE_USED <-> PAGE_SLAB, PAGE_TABLE, PAGE_VMALLOC,
 * PAGE_ANON, PAGE_CACHE. Back in PAGE_USED, as it must be to be freed, the owner's fields of struct
 * page are zero. Any other change is reported and not done. (The last put_page() does it for
 * PAGE_ANON.)
 */
void page_set_state(struct page *page, enum page_state state);
const char *page_state_name(enum page_state state);

/* Free memory and watermarks of all zones to the console, as after a failed allocation. */
void show_mem(void);

/* --- addresses -------------------------------------------------------------------------------- */

/* Does addr lie in the direct map? */
static inline bool virt_addr_valid(const volatile void *addr)
{
	return arch_vaddr(addr) - PAGE_OFFSET < mm.high_memory - PAGE_OFFSET;
}

/* Direct map only; with CONFIG_DEBUG_VIRTUAL (always on the host) other addresses panic. */
static inline paddr_t virt_to_phys(const volatile void *addr)
{
#if defined(MM_HOST) || defined(CONFIG_DEBUG_VIRTUAL)
	if (unlikely(!virt_addr_valid(addr)))
		arch_panic("virt_to_phys: %08x is not in the direct map", arch_vaddr(addr));
#endif
	return arch_vaddr(addr) - PAGE_OFFSET;
}

static inline void *phys_to_virt(paddr_t addr)
{
	return arch_ptr(PAGE_OFFSET + addr);
}

static inline struct page *virt_to_page(const volatile void *addr)
{
	return pfn_to_page(virt_to_phys(addr) >> PAGE_SHIFT);
}

/* Address in the direct map, or kmap's for a mapped highmem page, or NULL. */
void *page_address(const struct page *page);
static inline paddr_t page_to_phys(const struct page *page)
{
	return page_to_pfn(page) << PAGE_SHIFT;
}

/* --- counting and checking -------------------------------------------------------------------- */

uint32_t nr_free_pages(void); /* buddy lists of all zones */
uint32_t nr_free_highpages(void);
uint32_t zone_page_state(const struct zone *z, enum zone_stat_item item);
uint32_t global_page_state(enum zone_stat_item item);

/*
 * Verify every invariant of mmzone.h. 0, or the number of violations; each is printed with the page
 * or zone it is about. (page_alloc_check.c)
 */
unsigned page_alloc_check(void);

#endif
