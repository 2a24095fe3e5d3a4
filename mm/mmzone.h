/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: nodes, zones, and one struct page for each frame.
 *
 * Invariants (page_alloc_check() verifies them):
 *  - a frame is in exactly one enum page_state, and pages on free lists have it PAGE_FREE, count 0,
 *    no owner;
 *  - NR_FREE_PAGES of a zone is the number of frames in its buddy lists (per-CPU lists are not free
 *    in this sense, as in Linux);
 *  - no two buddies of the same order below MAX_ORDER - 1 are both free and unmerged;
 *  - all lists of a zone are changed with interrupts off, but for the per-CPU list: the fast
 *    paths say that they are at it instead (pcp_busy), and an interrupt then goes to the buddy.
 *    That is enough on one CPU without preemption in the kernel.
 */
#ifndef MM_MMZONE_H
#define MM_MMZONE_H

#include "mm/gfp.h"
#include "mm/layout.h"
#include "mm/list.h"
#include "mm/types.h"

#define MAX_ORDER 11 /* orders 0..10: up to 4 MiB */
#define MAX_NUMNODES 4

enum zone_type { ZONE_DMA, ZONE_NORMAL, ZONE_HIGHMEM, MAX_NR_ZONES };

enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

/* Who owns a frame. One clear state for each page, checked on every change. */
enum page_state {
	PAGE_RESERVED,	/* no RAM, the kernel's image, memblock's, or never handed to the buddy */
	PAGE_FREE,	/* in a buddy list: the first page of a block; page->order is its order */
	PAGE_FREE_TAIL, /* inside a free block */
	PAGE_PCP,	/* on a per-CPU list */
	PAGE_USED,	/* allocated, order 0 or the head of a block */
	PAGE_USED_TAIL, /* inside an allocated block */
	/* The rest are PAGE_USED with an owner; page_set_state() knows them as a range. */
	PAGE_SLAB,    /* PAGE_USED, and SLUB's */
	PAGE_TABLE,   /* PAGE_USED, and a page table */
	PAGE_VMALLOC, /* PAGE_USED, and mapped by the vmalloc area */
	PAGE_ANON,    /* PAGE_USED, and anonymous memory of user space */
	PAGE_CACHE,   /* PAGE_USED, and in the page cache */
	PAGE_STATES
};

struct kmem_cache;
struct address_space;

struct page {
	uint8_t state; /* enum page_state */
	uint8_t order; /* of the block it heads, free or used */
	union {
		struct {
			uint8_t zone : 2; /* enum zone_type */
			uint8_t node : 2;
			uint8_t compound : 1; /* head of a compound page */
		};
		uint8_t place; /* its lower four bits are node * 4 + zone */
	};
	int32_t count;	  /* references; 0 while free */
	int32_t mapcount; /* user PTEs that map it (rmap.h) */
	union {
		struct { /* PAGE_FREE, PAGE_PCP, and what owners link by */
			struct list_head lru;
			uint32_t private;	       /* owner's */
			struct address_space *mapping; /* PAGE_ANON, PAGE_CACHE: see rmap.h */
			uint32_t index;
		};
		struct { /* PAGE_SLAB, on the head page */
			struct list_head slab_list;
			struct kmem_cache *slab_cache;
			void *freelist;
			uint16_t
				inuse; /* objects out, those on the CPU's freelist counted as out */
			uint16_t objects; /* in the slab */
			bool frozen;	  /* it is a CPU slab */
		};
		struct page *first_page; /* PAGE_USED_TAIL of a compound page */
	};
};

struct free_area {
	struct list_head free_list;
	uint32_t nr_free; /* blocks */
};

/* One CPU's hot pages of a zone. */
struct per_cpu_pages {
	uint32_t count; /* pages on the list */
	uint32_t high;	/* above it, `batch` pages go back to the buddy */
	uint32_t batch; /* how many to move at once */
	struct list_head list;
};

enum zone_stat_item {
	NR_FREE_PAGES,
	NR_ANON_PAGES,	/* anonymous pages that are mapped */
	NR_FILE_MAPPED, /* pages of the page cache that are mapped */
	NR_FILE_PAGES,	/* pages in the page cache */
	NR_SLAB_RECLAIMABLE,
	NR_SLAB_UNRECLAIMABLE,
	NR_PAGETABLE,
	NR_BOUNCE_UNUSED,
	NR_ALLOC_SUCCESS, /* numa_hit */
	NR_ZONE_STAT_ITEMS
};

struct pglist_data;

struct zone {
	const char *name; /* "DMA", "Normal", "HighMem" */
	struct pglist_data *node;
	uint8_t type;
	pfn_t start_pfn;	/* of what it spans */
	uint32_t spanned_pages; /* holes included */
	uint32_t present_pages; /* RAM, less mem_map's share */
	uint32_t watermark[NR_WMARK];
	uint32_t lowmem_reserve[MAX_NR_ZONES];
	struct per_cpu_pages pcp;
	struct free_area free_area[MAX_ORDER];
	uint32_t stat[NR_ZONE_STAT_ITEMS];
};

/* Zones to try, best first; ends in NULL. */
struct zonelist {
	struct zone *zone[MAX_NUMNODES * MAX_NR_ZONES + 1];
};

struct pglist_data {
	uint8_t id;
	pfn_t start_pfn;
	uint32_t spanned_pages;
	uint32_t present_pages;
	struct zone zone[MAX_NR_ZONES];
	struct zonelist zonelist[MAX_NR_ZONES]; /* by the highest zone allowed */
};

struct ram_area {
	pfn_t start, end;
	uint8_t node;
};

#define RAM_AREAS 32

/* What mm/ keeps globally, in one place. */
struct mm_globals {
	struct page *mem_map; /* indexed by pfn; covers [0, max_pfn) */
	pfn_t max_pfn;	      /* first frame above all RAM */
	pfn_t max_low_pfn;    /* first frame that the direct map does not show */
	vaddr_t high_memory;  /* end of the direct map */
	struct ram_area ram[RAM_AREAS];
	unsigned ram_areas;
	unsigned nodes;
	struct pglist_data node[MAX_NUMNODES];
	struct zone *zone_table[MAX_NUMNODES * 4]; /* by node * 4 + type: page_zone() */
	/*
	 * Where node 0 looks first, by a request's zone bits (gfp_t & 3): the head of the zonelist.
	 */
	struct zone *first_zone[4];
	uint32_t min_free_kbytes;
	uint32_t totalram_pages; /* handed to the buddy */
	uint32_t totalhigh_pages;
	pfn_t zero_pfn; /* what reads of fresh anonymous memory see; PAGE_RESERVED */
	bool buddy_up;	/* memblock has handed over */
	/*
	 * A fast path is changing a per-CPU list: an interrupt that sees it leaves all of them
	 * alone.
	 */
	uint32_t pcp_busy;
	/*
	 * Reclaim: called by the slow path with the order that is wanted; returns how many pages it
	 * freed. NULL until there is something to reclaim (the swap issue).
	 */
	uint32_t (*reclaim)(struct zone *zone, unsigned order, gfp_t gfp);
	/* Told when a zone falls below its low watermark: what kswapd is in Linux. May be NULL. */
	void (*wake_reclaim)(struct zone *zone, unsigned order);
	/* Allocation faults, from the sandbox port or a test: true makes this allocation fail. */
	bool (*fail_alloc)(const char *what, size_t bytes, gfp_t gfp);
};

extern struct mm_globals mm;

static inline struct page *pfn_to_page(pfn_t pfn)
{
	return &mm.mem_map[pfn];
}

static inline pfn_t page_to_pfn(const struct page *page)
{
	return (pfn_t)(page - mm.mem_map);
}

static inline bool pfn_valid(pfn_t pfn)
{
	return pfn < mm.max_pfn;
}

static inline struct zone *page_zone(const struct page *page)
{
	return mm.zone_table[page->place & 15];
}

/* The page that has the count and the state of the compound page that this one is of, or itself. */
static inline struct page *compound_head(struct page *page)
{
	return page->state == PAGE_USED_TAIL && page->first_page ? page->first_page : page;
}

static inline bool page_is_highmem(const struct page *page)
{
	return page->zone == ZONE_HIGHMEM;
}

#endif
