// SPDX-License-Identifier: MIT
/*
 * The kernel's page tables, as Linux 2.6.32 with CONFIG_X86_PTDUMP shows them on i386 without PAE
 * in kernel_page_tables: neighbours with the same flags are one line, and so are holes. A level is
 * "pgd" for 4 MiB pages and for what the directory leaves empty, "pte" below. There is no NX, so
 * all is "x".
 *
 *      ---[ vmalloc() Area ]---
 *      0xf8800000-0xf8802000           8K     RW             GLB x  pte
 *      0xf8802000-0xf8c00000        4088K                           pte
 *      0xf8c00000-0xff400000         104M                           pgd
 */
#include "mm/arch.h"
#include "mm/mmzone.h"
#include "mm/show.h"

#define PTE_FLAGS 0xfffu

enum level { LEVEL_NONE, LEVEL_PGD, LEVEL_PTE };

struct marker {
	vaddr_t start;
	const char *name;
};

/* The run of equal entries that goes on. */
struct run {
	struct show_buf *b;
	const struct marker *marker; /* of the area we are in; the next one is behind it */
	vaddr_t start;
	pte_t flags;
	enum level level;
};

static void show_flags(struct show_buf *b, pte_t flags, enum level level)
{
	const char *large = level == LEVEL_PTE ? "pat " : "PSE ";

	if (!flags) {
		show_printf(b, "%26s%s\n", "", level == LEVEL_PTE ? "pte" : "pgd");
		return;
	}
	show_printf(b, "%s%s%s%s%s%sx  %s\n", flags & _PAGE_USER ? "USR " : "    ",
		    flags & _PAGE_RW ? "RW " : "ro ", flags & _PAGE_PWT ? "PWT " : "    ",
		    flags & _PAGE_PCD ? "PCD " : "    ", flags & _PAGE_PSE ? large : "    ",
		    flags & _PAGE_GLOBAL ? "GLB " : "    ", level == LEVEL_PTE ? "pte" : "pgd");
}

/* The largest unit that leaves no rest. */
static void show_size(struct show_buf *b, uint32_t bytes)
{
	const char *unit = "KMG";
	uint32_t n = bytes >> 10;

	for (; !(n & 1023) && unit[1]; unit++)
		n >>= 10;
	show_printf(b, "%9u%c ", n, *unit);
}

/*
 * The entry for `at`: the run ends if it differs in (a) flags, (b) level, or (c) area. Of areas
 * that begin within one entry, each is named at the end of a run of its own, as Linux does.
 */
static void note_entry(struct run *run, vaddr_t at, pte_t flags, enum level level)
{
	bool next_area = at >= run->marker[1].start;

	if (run->level == LEVEL_NONE) {
		show_printf(run->b, "---[ %s ]---\n", run->marker->name);
	} else {
		if (flags == run->flags && level == run->level && !next_area)
			return;
		show_printf(run->b, "0x%08x-0x%08x   ", run->start, at);
		show_size(run->b, at - run->start);
		show_flags(run->b, run->flags, run->level);
		if (next_area)
			show_printf(run->b, "---[ %s ]---\n", (++run->marker)->name);
	}
	run->start = at;
	run->flags = flags;
	run->level = level;
}

void show_page_tables(struct show_buf *b)
{
	const struct marker markers[] = {
		{ 0, "User Space" },
		{ PAGE_OFFSET, "Kernel Mapping" },
		{ VMALLOC_START, "vmalloc() Area" },
		{ VMALLOC_END, "vmalloc() End" },
		{ PKMAP_BASE, "Persisent kmap() Area" }, /* spelt as Linux 2.6.32 has it */
		{ FIXADDR_START, "Fixmap Area" },
		{ UINT32_MAX, NULL },
	};
	struct run run = { .b = b, .marker = markers };
	const pte_t *pgd = arch_kernel_pgd();

	for (unsigned i = 0; i < PTRS_PER_PGD; i++) {
		vaddr_t at = (vaddr_t)i << PGDIR_SHIFT;
		const pte_t *table;

		if (!(pgd[i] & _PAGE_PRESENT) || pgd[i] & _PAGE_PSE) {
			note_entry(&run, at, pgd[i] & PTE_FLAGS, LEVEL_PGD);
			continue;
		}
		table = arch_ptr(PAGE_OFFSET + (pgd[i] & PAGE_MASK));
		for (unsigned j = 0; j < PTRS_PER_PTE; j++)
			note_entry(&run, at + (j << PAGE_SHIFT), table[j] & PTE_FLAGS, LEVEL_PTE);
	}
	note_entry(&run, 0, 0, LEVEL_NONE);
}
