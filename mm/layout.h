/* SPDX-License-Identifier: MIT */
/*
 * The kernel's linear address space (design section 8), usable from assembly. The guest's own
 * headers include this one, so that there is one truth.
 *
 *   0 .. PAGE_OFFSET                     user space
 *   PAGE_OFFSET .. high_memory           direct map of ZONE_DMA and ZONE_NORMAL, at most MAXMEM
 *   high_memory + 8 MiB .. VMALLOC_END   vmalloc area
 *   PKMAP_BASE, 4 MiB                    kmap
 *   FIXADDR_START .. FIXADDR_TOP         fixed slots, kmap_atomic among them
 */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#define PAGE_SHIFT 12
#define PGDIR_SHIFT 22
#define PTRS_PER_PTE 1024
#define PTRS_PER_PGD 1024

#ifndef CONFIG_PAGE_OFFSET
#define CONFIG_PAGE_OFFSET 0xc0000000
#endif
#define PAGE_OFFSET CONFIG_PAGE_OFFSET
#define VMALLOC_RESERVE 0x08000000
#define MAXMEM (0x100000000 - PAGE_OFFSET - VMALLOC_RESERVE) /* 896 MiB with 3:1 */

#define MAX_DMA_PFN 0x1000 /* 16 MiB: what ISA devices reach */

/* The fixed slots end one page below 4 GiB, so that no object ends at address 0. */
#define FIXADDR_TOP 0xfffff000
#define FIXADDR_SLOTS 64
#define FIXADDR_START (FIXADDR_TOP - (FIXADDR_SLOTS << PAGE_SHIFT))

/* kmap's window: one page table, whole, and one unmapped page at least below the fixed slots. */
#define LAST_PKMAP 1024

/* The assembler knows no unsigned constants. */
#ifdef __ASSEMBLER__
#define MM_U(x) x
#else
#define MM_U(x) x##u
#endif

/* Page-table entries (Intel SDM vol. 3, tables 4-4 to 4-6). */
#define _PAGE_PRESENT MM_U(0x001)
#define _PAGE_RW MM_U(0x002)
#define _PAGE_USER MM_U(0x004)
#define _PAGE_PWT MM_U(0x008)
#define _PAGE_PCD MM_U(0x010)
#define _PAGE_ACCESSED MM_U(0x020)
#define _PAGE_DIRTY MM_U(0x040)
#define _PAGE_PSE MM_U(0x080) /* in a PDE: maps 4 MiB */
#define _PAGE_PAT MM_U(0x080) /* in a PTE */
#define _PAGE_GLOBAL MM_U(0x100)

#ifndef __ASSEMBLER__
#include "mm/types.h"

#define PAGE_SIZE (1u << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PGDIR_SIZE (1u << PGDIR_SHIFT)
#define PGDIR_MASK (~(PGDIR_SIZE - 1))

#define PKMAP_BASE ((FIXADDR_START - PAGE_SIZE * (LAST_PKMAP + 1)) & PGDIR_MASK)

/* Holes that catch a pointer running off the end of the direct map or of the vmalloc area. */
#define VMALLOC_OFFSET (8u << 20)
#define VMALLOC_START ((mm.high_memory + VMALLOC_OFFSET) & ~(VMALLOC_OFFSET - 1))
#define VMALLOC_END (PKMAP_BASE - 2 * PAGE_SIZE)

#define PAGE_KERNEL (_PAGE_PRESENT | _PAGE_RW | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_GLOBAL)
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | _PAGE_PCD)
#define PAGE_KERNEL_RO (PAGE_KERNEL & ~_PAGE_RW)

#define PFN_DOWN(x) ((pfn_t)((x) >> PAGE_SHIFT))
#define PFN_UP(x) ((pfn_t)(((uint64_t)(x) + PAGE_SIZE - 1) >> PAGE_SHIFT))

static inline unsigned pgd_index(vaddr_t va)
{
	return va >> PGDIR_SHIFT;
}

static inline unsigned pte_index(vaddr_t va)
{
	return va >> PAGE_SHIFT & (PTRS_PER_PTE - 1);
}

static inline pfn_t pte_pfn(pte_t pte)
{
	return pte >> PAGE_SHIFT;
}
#endif

#endif
