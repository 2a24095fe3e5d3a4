/* SPDX-License-Identifier: MIT */
/*
 * Two-level page tables (Intel SDM vol. 3, 4.3) and the kernel's virtual layout.
 *
 * swapper_pg_dir is the kernel's page directory. boot.S fills its part above PAGE_OFFSET with
 * global 4 MiB pages for all of MAXMEM; paging_init() then takes away what lies above the RAM. The
 * part below PAGE_OFFSET is user space and starts empty.
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <arch/page.h>

#define _PAGE_PRESENT 0x001
#define _PAGE_RW 0x002
#define _PAGE_USER 0x004
#define _PAGE_PCD 0x010
#define _PAGE_ACCESSED 0x020
#define _PAGE_DIRTY 0x040
#define _PAGE_PSE 0x080 /* in a PDE: maps 4 MiB */
#define _PAGE_GLOBAL 0x100

#define PTRS_PER_PTE 1024
#define PTRS_PER_PGD 1024

/*
 * The fixed slots, for devices and atomic kmaps, end one page below 4 GiB, so that no object ends
 * at address 0.
 */
#define FIXADDR_TOP 0xfffff000
#define FIXADDR_SLOTS 64
#define FIXADDR_START (FIXADDR_TOP - (FIXADDR_SLOTS << PAGE_SHIFT))

#ifndef __ASSEMBLER__

/* Slot numbers of the fixed addresses; slot n lies n pages below FIXADDR_TOP. */
enum fixed_addresses {
	FIX_HOLE, /* not a slot */
	FIX_APIC_BASE,
};

/* kmap's window: one page table, whole, and one unmapped page at least below the fixed slots. */
#define LAST_PKMAP 1024
#define PKMAP_BASE ((FIXADDR_START - PAGE_SIZE * (LAST_PKMAP + 1)) & PGDIR_MASK)

/* Holes that catch a pointer running off the end of the direct map or of the vmalloc area. */
#define VMALLOC_OFFSET (8u << 20)
#define VMALLOC_START ((high_memory + VMALLOC_OFFSET) & ~(VMALLOC_OFFSET - 1))
#define VMALLOC_END (PKMAP_BASE - 2 * PAGE_SIZE)

typedef u32 pte_t;
typedef u32 pgd_t;

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];

/* End of the direct map, a virtual address; set by paging_init(). */
extern u32 high_memory;

static inline u32 pgd_index(u32 va)
{
	return va >> PGDIR_SHIFT;
}

static inline u32 pte_index(u32 va)
{
	return (va >> PAGE_SHIFT) & (PTRS_PER_PTE - 1);
}

/* Limits the direct map to RAM below max_low_pfn and turns global pages on. Call once. */
void paging_init(void);

static inline u32 fix_to_virt(enum fixed_addresses slot)
{
	return FIXADDR_TOP - ((u32)slot << PAGE_SHIFT);
}

/* Maps a page of physical memory, or of a device, at a fixed slot; flags: _PAGE_*. */
void set_fixmap(enum fixed_addresses slot, u32 pa, u32 flags);

/* Prints the regions of the virtual layout, highest first. */
void print_virtual_layout(void);

#endif
#endif
