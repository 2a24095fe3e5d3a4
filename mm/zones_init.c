// SPDX-License-Identifier: MIT
/*
 * Boot: from ranges of RAM to nodes, zones, zonelists and a struct page for each frame; then all
 * free memory to the buddy.
 *
 *     0        16M                  max_low_pfn            max_pfn
 *     ├── DMA ──┼────── Normal ──────────┼────── HighMem ─────┤
 *     ├───── node 0 ─────┼───────── node 1 ───────┼─ node 2 ──┤     borders at multiples of 4 MiB
 */
#include "mm/arch.h"
#include "mm/iomem.h"
#include "mm/memblock.h"
#include "mm/page_internal.h"

#define MIN_LOWMEM_PFNS (64u << (20 - PAGE_SHIFT)) /* highmem= must leave as much */
#define MIN_BESIDES_KERNEL (4u << 20)		   /* mem= must leave as much */
#define BLOCK_PAGES (1u << (MAX_ORDER - 1))	   /* a node begins with a whole block */
#define MAXMEM_PFN PFN_DOWN(MAXMEM)

struct mm_globals mm;

static unsigned mib(uint64_t pages)
{
	return (unsigned)(pages >> (20 - PAGE_SHIFT));
}

/* --- RAM -------------------------------------------------------------------------------------- */

/* mem=: RAM ends there, unless that would cut off the kernel. */
static void apply_mem_limit(const struct mm_boot *boot)
{
	if (!boot->mem_limit)
		return;
	if (boot->mem_limit < (uint64_t)boot->kernel_end + MIN_BESIDES_KERNEL) {
		arch_printk("mem=%uK leaves no room for the kernel, ignoring it!\n",
			    (unsigned)(boot->mem_limit >> 10));
		return;
	}
	memblock_enforce_limit(boot->mem_limit);
}

/* Whole frames of RAM; pieces of frames are lost. */
static void find_ram(void)
{
	uint64_t start, end;

	for (unsigned n = 0; memblock_memory(n, &start, &end); n++) {
		pfn_t first = PFN_UP(start), last = PFN_DOWN(end);

		if (first >= last)
			continue;
		if (mm.ram_areas == RAM_AREAS) {
			arch_printk("RAM %08x - %08x ignored: more than %u areas\n",
				    (unsigned)start, (unsigned)(end - 1), RAM_AREAS);
			continue;
		}
		mm.ram[mm.ram_areas++] = (struct ram_area){ first, last, 0 };
		mm.max_pfn = last;
	}
	if (!mm.ram_areas)
		arch_panic("no RAM");
}

/* Cut RAM at max_pfn. */
static void trim_ram(void)
{
	while (mm.ram[mm.ram_areas - 1].start >= mm.max_pfn)
		mm.ram_areas--;
	if (mm.ram[mm.ram_areas - 1].end > mm.max_pfn)
		mm.ram[mm.ram_areas - 1].end = mm.max_pfn;
}

/* RAM fits into the direct map: HIGHMEM is only what highmem= takes from it. */
static void lowmem_pfn_init(uint32_t highmem_pages)
{
	mm.max_low_pfn = mm.max_pfn;
	if (highmem_pages >= mm.max_pfn) {
		arch_printk("highmem size specified (%uMB) is bigger than pages available "
			    "(%uMB)!\n",
			    mib(highmem_pages), mib(mm.max_pfn));
		return;
	}
	if (highmem_pages && mm.max_pfn - highmem_pages < MIN_LOWMEM_PFNS) {
		arch_printk("highmem size %uMB results in <64MB lowmem, ignoring it!\n",
			    mib(highmem_pages));
		return;
	}
	mm.max_low_pfn -= highmem_pages;
}

/* RAM is larger than the direct map: highmem= says how much of the rest to use, as in Linux. */
static void highmem_pfn_init(const struct mm_boot *boot, uint32_t highmem_pages)
{
	mm.max_low_pfn = MAXMEM_PFN;
	if (!boot->has_highmem)
		return;
	if (highmem_pages > mm.max_pfn - MAXMEM_PFN) {
		arch_printk("only %uMB highmem pages available, ignoring highmem size of %uMB!\n",
			    mib(mm.max_pfn - MAXMEM_PFN), mib(highmem_pages));
		return;
	}
	mm.max_pfn = MAXMEM_PFN + highmem_pages;
	trim_ram();
}

static void find_borders(const struct mm_boot *boot)
{
	uint64_t pages = boot->has_highmem ? boot->highmem_bytes >> PAGE_SHIFT : 0;
	uint32_t highmem_pages = pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;

	if (mm.max_pfn <= MAXMEM_PFN)
		lowmem_pfn_init(highmem_pages);
	else
		highmem_pfn_init(boot, highmem_pages);
	mm.high_memory = PAGE_OFFSET + (mm.max_low_pfn << PAGE_SHIFT);
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* The frame below which `pages` of RAM lie, rounded down to where a node may begin. */
static pfn_t ram_border(uint32_t pages)
{
	for (unsigned n = 0; n < mm.ram_areas; n++) {
		uint32_t size = mm.ram[n].end - mm.ram[n].start;

		if (pages < size)
			return (mm.ram[n].start + pages) & ~(BLOCK_PAGES - 1);
		pages -= size;
	}
	return mm.max_pfn;
}

/* RAM areas do not cross `border`: one that does becomes two. False: no room for that. */
static bool split_ram(pfn_t border)
{
	for (unsigned n = 0; n < mm.ram_areas; n++) {
		struct ram_area *area = &mm.ram[n];

		if (border <= area->start || border >= area->end)
			continue;
		if (mm.ram_areas == RAM_AREAS)
			return false;
		memmove(area + 1, area, (mm.ram_areas++ - n) * sizeof(*area));
		area[0].end = area[1].start = border;
		return true;
	}
	return true;
}

/* numa=N: equal shares of RAM. */
static void find_nodes(unsigned numa)
{
	uint32_t pages = 0;
	pfn_t border[MAX_NUMNODES] = { 0 };

	mm.nodes = 1;
	if (numa <= 1)
		return;
	for (unsigned n = 0; n < mm.ram_areas; n++)
		pages += mm.ram[n].end - mm.ram[n].start;
	if (numa > MAX_NUMNODES || pages / numa < 2 * BLOCK_PAGES) {
		arch_printk("numa=%u ignored: at most %u nodes, of 8MB at least\n", numa,
			    MAX_NUMNODES);
		return;
	}
	for (unsigned n = 1; n < numa; n++) {
		border[n] = ram_border(pages / numa * n);
		if (!split_ram(border[n])) {
			arch_printk("numa=%u ignored: more than %u areas of RAM\n", numa,
				    RAM_AREAS);
			return;
		}
	}
	mm.nodes = numa;
	for (unsigned a = 0; a < mm.ram_areas; a++)
		for (unsigned n = 1; n < numa; n++)
			if (mm.ram[a].start >= border[n])
				mm.ram[a].node = (uint8_t)n;
}

/* --- zones ------------------------------------------------------------------------------------ */

static uint32_t ram_pages_in(unsigned node, pfn_t start, pfn_t end)
{
	uint32_t pages = 0;

	for (unsigned n = 0; n < mm.ram_areas; n++) {
		const struct ram_area *a = &mm.ram[n];
		pfn_t first = a->start > start ? a->start : start;
		pfn_t last = a->end < end ? a->end : end;

		if (a->node == node && first < last)
			pages += last - first;
	}
	return pages;
}

/*
 * Make `count` struct pages from the first one. Doubling: a copy is a few instructions, whatever
 * its length, and a machine has hundreds of thousands of pages.
 */
static void fill_pages(struct page *page, uint32_t count, const struct page *model)
{
	uint32_t done, n;

	page[0] = *model;
	for (done = 1; done < count; done += n) {
		n = done < count - done ? done : count - done;
		memcpy(page + done, page, n * sizeof(*page));
	}
}

static void zone_init(struct pglist_data *node, enum zone_type type, pfn_t start, pfn_t end)
{
	static const char *const names[MAX_NR_ZONES] = { "DMA", "Normal", "HighMem" };
	struct zone *z = &node->zone[type];
	struct page model = { .zone = type, .node = node->id & 3u, .count = 1 };
	uint32_t map_pages;

	z->name = names[type];
	z->node = node;
	z->type = type;
	mm.zone_table[node->id * 4u + type] = z;
	buddy_init(z);
	pcp_init(z);
	if (start < node->start_pfn)
		start = node->start_pfn;
	if (end > node->start_pfn + node->spanned_pages)
		end = node->start_pfn + node->spanned_pages;
	if (start >= end || !ram_pages_in(node->id, start, end))
		return;
	z->start_pfn = start;
	z->spanned_pages = end - start;
	z->present_pages = ram_pages_in(node->id, start, end);
	/* Each zone pays for its part of mem_map, wherever that lies. */
	map_pages = PFN_UP((uint64_t)z->spanned_pages * sizeof(struct page));
	if (z->present_pages > map_pages)
		z->present_pages -= map_pages;
	node->present_pages += z->present_pages;
	pcp_init(z);
	fill_pages(pfn_to_page(start), z->spanned_pages, &model);
}

static void node_init(uint8_t id)
{
	struct pglist_data *node = &mm.node[id];
	pfn_t end = 0;
	bool any = false;

	node->id = id;
	for (unsigned n = 0; n < mm.ram_areas; n++) {
		if (mm.ram[n].node != id)
			continue;
		if (!any)
			node->start_pfn = mm.ram[n].start;
		any = true;
		end = mm.ram[n].end;
	}
	node->spanned_pages = end - node->start_pfn;
	zone_init(node, ZONE_DMA, 0, MAX_DMA_PFN < mm.max_low_pfn ? MAX_DMA_PFN : mm.max_low_pfn);
	zone_init(node, ZONE_NORMAL, MAX_DMA_PFN, mm.max_low_pfn);
	zone_init(node, ZONE_HIGHMEM, mm.max_low_pfn, mm.max_pfn);
}

/*
 * Zone order: every node's zone of the highest type, the own node's first, then the next lower
 * type. The other order, node by node, would empty a node's own Normal zone before another's
 * HighMem, and on 32 bits Normal is what is scarce.
 */
static void build_zonelist(struct pglist_data *node, enum zone_type highest)
{
	struct zone **next = node->zonelist[highest].zone;

	for (unsigned type = highest + 1u; type--;) {
		for (unsigned n = 0; n < mm.nodes; n++) {
			struct zone *z = &mm.node[(node->id + n) % mm.nodes].zone[type];

			if (z->present_pages)
				*next++ = z;
		}
	}
	*next = NULL;
}

static void build_zonelists(void)
{
	/* Has no page, and so ends every fast path: what a list without zones begins with. */
	static struct zone nowhere;

	for (unsigned n = 0; n < mm.nodes; n++)
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			build_zonelist(&mm.node[n], (enum zone_type)type);
	for (gfp_t bits = 0; bits <= GFP_ZONEMASK; bits++) {
		struct zone *first = mm.node[0].zonelist[gfp_zone(bits)].zone[0];

		mm.first_zone[bits] = first ? first : &nowhere;
	}
}

void zones_init(const struct mm_boot *boot)
{
	apply_mem_limit(boot);
	find_ram();
	find_borders(boot);
	find_nodes(boot->numa);
	/* Page 0 belongs to the BIOS; and physical address 0 is nobody's page. */
	if (memblock_reserve(0, PAGE_SIZE) ||
	    memblock_reserve(boot->kernel_start, boot->kernel_end - boot->kernel_start))
		arch_panic("cannot reserve the kernel");
	mm.mem_map = memblock_alloc(mm.max_pfn * (uint32_t)sizeof(struct page), PAGE_SIZE);
	for (unsigned n = 0; n < mm.nodes; n++)
		node_init((uint8_t)n);
	build_zonelists();
	mm.min_free_kbytes = min_free_kbytes_for(nr_lowmem_pages() << (PAGE_SHIFT - 10));
	setup_per_zone_wmarks();
	setup_per_zone_lowmem_reserve();
}

/* --- to the buddy ----------------------------------------------------------------------------- */

/* The largest block that begins at pfn and ends by `end`. */
static unsigned largest_order(pfn_t pfn, pfn_t end)
{
	unsigned order = MAX_ORDER - 1;

	while (pfn & ((1u << order) - 1) || pfn + (1u << order) > end)
		order--;
	return order;
}

/* [pfn, end) is free RAM of one zone. */
static void free_range(struct zone *z, pfn_t pfn, pfn_t end)
{
	struct page model = { .state = PAGE_FREE_TAIL,
			      .zone = z->type & 3u,
			      .node = z->node->id & 3u };

	fill_pages(pfn_to_page(pfn), end - pfn, &model);
	mm.totalram_pages += end - pfn;
	if (z->type == ZONE_HIGHMEM)
		mm.totalhigh_pages += end - pfn;
	while (pfn < end) {
		unsigned order = largest_order(pfn, end);

		buddy_free(z, pfn_to_page(pfn), order);
		pfn += 1u << order;
	}
}

/* The part of [start, end) that lies in z and is not reserved. */
static void free_unreserved(struct zone *z, pfn_t start, pfn_t end)
{
	uint64_t from, to;

	if (start < z->start_pfn)
		start = z->start_pfn;
	if (end > z->start_pfn + z->spanned_pages)
		end = z->start_pfn + z->spanned_pages;
	for (unsigned n = 0; start < end && memblock_reserved(n, &from, &to); n++) {
		if (PFN_UP(to) <= start)
			continue;
		if (PFN_DOWN(from) >= end)
			break;
		if (PFN_DOWN(from) > start)
			free_range(z, start, PFN_DOWN(from));
		start = PFN_UP(to);
	}
	if (start < end)
		free_range(z, start, end);
}

void mem_init(void)
{
	uint32_t flags = arch_irq_save();
	uint32_t ram_pages = 0;

	for (unsigned n = 0; n < mm.ram_areas; n++) {
		const struct ram_area *a = &mm.ram[n];

		ram_pages += a->end - a->start;
		for (unsigned type = 0; type < MAX_NR_ZONES; type++)
			free_unreserved(&mm.node[a->node].zone[type], a->start, a->end);
	}
	mm.buddy_up = true;
	arch_irq_restore(flags);
	/* There is no init section that could be freed after boot. */
	arch_printk("Memory: %uk/%uk available (%uk kernel code, %uk reserved, %uk data, 0k init, "
		    "%uk highmem)\n",
		    nr_free_pages() << 2, mm.max_pfn << 2, iomem_bytes("Kernel code") >> 10,
		    (ram_pages - mm.totalram_pages) << 2, iomem_bytes("Kernel data") >> 10,
		    mm.totalhigh_pages << 2);
}
