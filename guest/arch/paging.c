// SPDX-License-Identifier: MIT
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <arch/sections.h>
#include <kernel/printk.h>

#include "mm/memblock.h"
#include "mm/mmzone.h"

/* A table for the last piece of low memory, where it ends inside of a 4 MiB page. */
static pgd_t map_tail(u32 start, u32 end)
{
	pte_t *table = memblock_alloc(PAGE_SIZE, PAGE_SIZE);

	for (u32 pa = start; pa < end; pa += PAGE_SIZE)
		table[pte_index(pa)] = pa | PAGE_KERNEL;
	return __pa(table) | (PAGE_KERNEL & ~_PAGE_GLOBAL);
}

void paging_init(void)
{
	u32 end = mm.max_low_pfn << PAGE_SHIFT; /* physical */
	u32 tail = end & PGDIR_MASK;
	u32 i = pgd_index(PAGE_OFFSET) + (tail >> PGDIR_SHIFT);
	u32 last = pgd_index(PAGE_OFFSET) + (u32)(MAXMEM >> PGDIR_SHIFT);

	if (tail < end)
		swapper_pg_dir[i++] = map_tail(tail, end);
	for (; i < last; i++)
		swapper_pg_dir[i] = 0;

	/* The boot mapping must be gone before CR4.PGE makes translations outlive the flush. */
	flush_tlb();
	if (cpu_features() & X86_FEATURE_PGE)
		write_cr4(read_cr4() | X86_CR4_PGE);
}

struct region {
	const char *name;
	u32 start, end; /* end: first byte after it */
};

static void print_region(const struct region *r)
{
	u32 size = r->end - r->start;

	if (size >= 10u << 20)
		printk("  %-8s %08x - %08x %6u MiB\n", r->name, r->start, r->end, size >> 20);
	else
		printk("  %-8s %08x - %08x %6u KiB\n", r->name, r->start, r->end, size >> 10);
}

void print_virtual_layout(void)
{
	const struct region regions[] = {
		{ "fixmap", FIXADDR_START, FIXADDR_TOP },
		{ "pkmap", PKMAP_BASE, PKMAP_BASE + LAST_PKMAP * PAGE_SIZE },
		{ "vmalloc", VMALLOC_START, VMALLOC_END },
		{ "lowmem", PAGE_OFFSET, mm.high_memory },
		{ ".bss", (u32)__bss_start, (u32)_end },
		{ ".data", (u32)_data, (u32)_edata },
		{ ".rodata", (u32)_rodata, (u32)_erodata },
		{ ".text", (u32)_text, (u32)_etext },
		{ "user", 0, PAGE_OFFSET },
	};

	printk("Virtual layout:\n");
	for (u32 i = 0; i < ARRAY_SIZE(regions); i++)
		print_region(&regions[i]);
}
