// SPDX-License-Identifier: MIT
/*
 * buddyinfo, zoneinfo and meminfo. Of what Linux 2.6.32 prints there, the lines are left out that
 * tell of what mm/ does not have: LRU lists, buffers, dirty and swapped pages.
 */
#include "mm/arch.h"
#include "mm/page_alloc.h"
#include "mm/show.h"
#include "mm/vmalloc.h"

/* Interrupts are off while a zone is read: its numbers belong together. */
static void show_zones(struct show_buf *b, void (*show)(struct show_buf *b, const struct zone *z))
{
	for (unsigned node = 0; node < mm.nodes; node++) {
		for (unsigned type = 0; type < MAX_NR_ZONES; type++) {
			const struct zone *z = &mm.node[node].zone[type];
			uint32_t flags;

			if (!z->present_pages)
				continue;
			flags = arch_irq_save();
			show(b, z);
			arch_irq_restore(flags);
		}
	}
}

static void show_free_blocks(struct show_buf *b, const struct zone *z)
{
	show_printf(b, "Node %d, zone %8s ", z->node->id, z->name);
	for (unsigned order = 0; order < MAX_ORDER; order++)
		show_printf(b, "%6u ", z->free_area[order].nr_free);
	show_printf(b, "\n");
}

void show_buddyinfo(struct show_buf *b)
{
	show_zones(b, show_free_blocks);
}

/* Linux's names. It has numa_hit and numa_miss with NUMA only, as it has N0= in vmallocinfo. */
static const char *const stat_names[NR_ZONE_STAT_ITEMS] = {
	[NR_FREE_PAGES] = "nr_free_pages",
	[NR_ANON_PAGES] = "nr_anon_pages",
	[NR_FILE_MAPPED] = "nr_mapped",
	[NR_FILE_PAGES] = "nr_file_pages",
	[NR_SLAB_RECLAIMABLE] = "nr_slab_reclaimable",
	[NR_SLAB_UNRECLAIMABLE] = "nr_slab_unreclaimable",
	[NR_PAGETABLE] = "nr_page_table_pages",
	[NR_BOUNCE_UNUSED] = "nr_bounce",
	[NR_ALLOC_SUCCESS] = "numa_hit",
};

/*
 * The numbers of `protection:` are one for each type of zone. Linux has one more, of ZONE_MOVABLE.
 */
static void show_zone(struct show_buf *b, const struct zone *z)
{
	show_printf(b, "Node %d, zone %8s\n", z->node->id, z->name);
	show_printf(b, "  pages free     %u\n", z->stat[NR_FREE_PAGES]);
	show_printf(b, "        min      %u\n", z->watermark[WMARK_MIN]);
	show_printf(b, "        low      %u\n", z->watermark[WMARK_LOW]);
	show_printf(b, "        high     %u\n", z->watermark[WMARK_HIGH]);
	show_printf(b, "        spanned  %u\n", z->spanned_pages);
	show_printf(b, "        present  %u\n", z->present_pages);
	for (unsigned item = 0; item < NR_ZONE_STAT_ITEMS; item++)
		show_printf(b, "    %-12s %u\n", stat_names[item], z->stat[item]);
	show_printf(b, "        protection: (%u", z->lowmem_reserve[0]);
	for (unsigned type = 1; type < MAX_NR_ZONES; type++)
		show_printf(b, ", %u", z->lowmem_reserve[type]);
	show_printf(b, ")\n  pagesets\n    cpu: 0\n");
	show_printf(b, "              count: %u\n", z->pcp.count);
	show_printf(b, "              high:  %u\n", z->pcp.high);
	show_printf(b, "              batch: %u\n", z->pcp.batch);
	show_printf(b, "  start_pfn:         %u\n", z->start_pfn);
}

void show_zoneinfo(struct show_buf *b)
{
	show_zones(b, show_zone);
}

/* --- meminfo ---------------------------------------------------------------------------------- */

/* Live areas, guard pages included, and the largest hole between them, in bytes. */
static void vmalloc_usage(uint32_t *used, uint32_t *largest_hole)
{
	vaddr_t end = VMALLOC_START;

	*used = *largest_hole = 0;
	for (const struct vm_struct *vm = vm_area_first(); vm; vm = vm->next) {
		if (*largest_hole < vm->addr - end)
			*largest_hole = vm->addr - end;
		*used += vm->size;
		end = vm->addr + vm->size;
	}
	if (*largest_hole < VMALLOC_END - end)
		*largest_hole = VMALLOC_END - end;
}

static void show_kb(struct show_buf *b, const char *name, uint32_t kb)
{
	show_printf(b, "%-15s %8u kB\n", name, kb);
}

static uint32_t kb(uint32_t pages)
{
	return pages << (PAGE_SHIFT - 10);
}

void show_meminfo(struct show_buf *b)
{
	uint32_t irq = arch_irq_save();
	uint32_t free = nr_free_pages(), free_high = nr_free_highpages(), used, hole;
	uint32_t reclaimable = global_page_state(NR_SLAB_RECLAIMABLE);
	uint32_t unreclaimable = global_page_state(NR_SLAB_UNRECLAIMABLE);

	arch_irq_restore(irq);
	vmalloc_usage(&used, &hole);
	show_kb(b, "MemTotal:", kb(mm.totalram_pages));
	show_kb(b, "MemFree:", kb(free));
	show_kb(b, "Cached:", kb(global_page_state(NR_FILE_PAGES)));
	show_kb(b, "HighTotal:", kb(mm.totalhigh_pages));
	show_kb(b, "HighFree:", kb(free_high));
	show_kb(b, "LowTotal:", kb(mm.totalram_pages - mm.totalhigh_pages));
	show_kb(b, "LowFree:", kb(free - free_high));
	show_kb(b, "SwapTotal:", 0); /* as Linux without CONFIG_SWAP */
	show_kb(b, "SwapFree:", 0);
	show_kb(b, "AnonPages:", kb(global_page_state(NR_ANON_PAGES)));
	show_kb(b, "Mapped:", kb(global_page_state(NR_FILE_MAPPED)));
	show_kb(b, "Slab:", kb(reclaimable + unreclaimable));
	show_kb(b, "SReclaimable:", kb(reclaimable));
	show_kb(b, "SUnreclaim:", kb(unreclaimable));
	show_kb(b, "PageTables:", kb(global_page_state(NR_PAGETABLE)));
	show_kb(b, "VmallocTotal:", (VMALLOC_END - VMALLOC_START) >> 10);
	show_kb(b, "VmallocUsed:", used >> 10);
	show_kb(b, "VmallocChunk:", hole >> 10);
}
