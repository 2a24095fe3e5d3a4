// SPDX-License-Identifier: MIT
/*
 * What the page allocator prints when something is wrong: a page in a state it must not be in, a
 * request that cannot be served, and the state of memory that goes with it.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"

const char *page_state_name(enum page_state state)
{
	static const char *const names[PAGE_STATES] = {
		[PAGE_RESERVED] = "reserved",	[PAGE_FREE] = "free",
		[PAGE_FREE_TAIL] = "free tail", [PAGE_PCP] = "per-cpu list",
		[PAGE_USED] = "used",		[PAGE_USED_TAIL] = "used tail",
		[PAGE_SLAB] = "slab",		[PAGE_TABLE] = "page table",
		[PAGE_VMALLOC] = "vmalloc",	[PAGE_ANON] = "anonymous",
		[PAGE_CACHE] = "page cache",
	};

	return state < PAGE_STATES ? names[state] : "unknown";
}

static bool is_page(const struct page *page)
{
	uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.mem_map;

	return offset < (uintptr_t)mm.max_pfn * sizeof(*page) && offset % sizeof(*page) == 0;
}

void bad_page(const struct page *page, const char *problem)
{
	char caller[64];

	if (!is_page(page)) {
		arch_printk("BUG: Bad page: %08x is no struct page\n", arch_vaddr(page));
		return;
	}
	arch_printk("BUG: Bad page state: %s  pfn:%05x\n", problem, page_to_pfn(page));
	arch_printk("page:%08x state:%s order:%u count:%d mapcount:%d zone:%s node:%u\n",
		    arch_vaddr(page), page_state_name(page->state), page->order, page->count,
		    page->mapcount, page_zone(page)->name, page->node);
	arch_format_ip(arch_caller(), caller, sizeof(caller));
	arch_printk("found in %s\n", caller);
}

/* One case a line, most telling first. */
const char *free_problem(const struct page *page, unsigned order)
{
	if (!is_page(page))
		return "free of what is not a page";
	if (page->state == PAGE_FREE || page->state == PAGE_FREE_TAIL || page->state == PAGE_PCP)
		return "double free";
	if (page->state == PAGE_RESERVED)
		return "free of a reserved page";
	if (page->state == PAGE_USED_TAIL)
		return "free of a page inside of a block";
	if (page->state != PAGE_USED)
		return "free of a page that has an owner";
	if (page->order != order)
		return "free of a wrong order";
	if (page->count <= 0)
		return "negative count";
	if (page->count > 1)
		return "free of a page with references";
	if (page->mapcount)
		return "free of a mapped page";
	return NULL;
}

static unsigned kb(uint32_t pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static void show_zone_name(const struct zone *z)
{
	if (mm.nodes > 1)
		arch_printk("Node %u ", z->node->id);
	arch_printk("%s", z->name);
}

/* As in Linux: blocks by order, and their sum. */
static void show_free_areas(const struct zone *z)
{
	uint32_t total = 0;

	show_zone_name(z);
	arch_printk(": ");
	for (unsigned order = 0; order < MAX_ORDER; order++) {
		uint32_t blocks = z->free_area[order].nr_free;

		arch_printk("%u*%ukB ", blocks, kb(1u << order));
		total += blocks << order;
	}
	arch_printk("= %ukB\n", kb(total));
}

void show_mem(void)
{
	arch_printk("Mem-Info:\n");
	for_each_populated_zone(z) {
		show_zone_name(z);
		arch_printk(" free:%ukB min:%ukB low:%ukB high:%ukB present:%ukB pcp:%u\n",
			    kb(z->stat[NR_FREE_PAGES]), kb(z->watermark[WMARK_MIN]),
			    kb(z->watermark[WMARK_LOW]), kb(z->watermark[WMARK_HIGH]),
			    kb(z->present_pages), z->pcp.count);
		arch_printk("lowmem_reserve[]:");
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			arch_printk(" %u", z->lowmem_reserve[type]);
		arch_printk("\n");
	}
	for_each_populated_zone(zone)
		show_free_areas(zone);
	arch_printk("%u pages of RAM\n%u pages of HIGHMEM\n", mm.totalram_pages,
		    mm.totalhigh_pages);
}

void warn_alloc_failed(gfp_t gfp, unsigned order)
{
	if (gfp & __GFP_NOWARN)
		return;
	arch_printk("page allocation failure. order:%u, mode:0x%x\n", order, gfp);
	show_mem();
}
