// SPDX-License-Identifier: MIT
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <arch/sections.h>
#include <arch/setup.h>
#include <kernel/printk.h>

u32 high_memory;

/* Maps the last piece of the RAM, where it ends inside of a 4 MiB page. */
static pte_t tail_table[PTRS_PER_PTE] __page_aligned;

/* Maps the fixed slots; FIXADDR_START..FIXADDR_TOP lies in one 4 MiB piece. */
static pte_t fixmap_table[PTRS_PER_PTE] __page_aligned;

_Static_assert(FIXADDR_START >> PGDIR_SHIFT == (FIXADDR_TOP - 1) >> PGDIR_SHIFT, "one table");

void paging_init(void)
{
	u32 end = max_low_pfn << PAGE_SHIFT; /* physical */
	u32 tail = end & PGDIR_MASK;
	u32 i = pgd_index(PAGE_OFFSET) + (tail >> PGDIR_SHIFT);
	u32 last = pgd_index(PAGE_OFFSET) + (u32)(MAXMEM >> PGDIR_SHIFT);

	high_memory = PAGE_OFFSET + end;
	if (tail < end) {
		for (u32 pa = tail; pa < end; pa += PAGE_SIZE)
			tail_table[pte_index(pa)] = pa | _PAGE_PRESENT | _PAGE_RW | _PAGE_GLOBAL;
		swapper_pg_dir[i++] = __pa(tail_table) | _PAGE_PRESENT | _PAGE_RW;
	}
	for (; i < last; i++)
		swapper_pg_dir[i] = 0;
	swapper_pg_dir[pgd_index(FIXADDR_START)] = __pa(fixmap_table) | _PAGE_PRESENT | _PAGE_RW;

	/* The boot mapping must be gone before CR4.PGE makes translations outlive the flush. */
	flush_tlb();
	if (cpu_features() & X86_FEATURE_PGE)
		write_cr4(read_cr4() | X86_CR4_PGE);
}

void set_fixmap(enum fixed_addresses slot, u32 pa, u32 flags)
{
	u32 va = fix_to_virt(slot);

	fixmap_table[pte_index(va)] = pa | flags;
	invlpg(va);
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
		{ "lowmem", PAGE_OFFSET, high_memory },
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
