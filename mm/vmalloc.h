/* SPDX-License-Identifier: MIT */
/*
 * Virtually contiguous kernel memory, as in Linux 2.6.32 (mm/vmalloc.c).
 *
 * Areas lie in an rb-tree and a sorted list, are placed first fit, and each ends in a guard page. A
 * freed area stays in the tree, lazily, with its page-table entries cleared and its translations
 * maybe cached: no part of it is used again before a purge has flushed them. Page tables of the
 * area are made in the kernel's directory; other directories take them over when they fault.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include "mm/mmzone.h"

#define VM_IOREMAP 0x1u
#define VM_ALLOC 0x2u
#define VM_MAP 0x4u
#define VM_VPAGES 0x10u /* `pages` itself was too large for kmalloc and lies in the area */

struct vm_struct {
	struct vm_struct *next; /* by address */
	vaddr_t addr;
	uint32_t size; /* with the guard page */
	uint32_t flags;
	struct page **pages;
	uint32_t nr_pages;
	paddr_t phys_addr; /* VM_IOREMAP */
	vaddr_t caller;
};

void vmalloc_init(void);

/*
 * NULL: size 0 or more than all RAM, no room, or no memory (nothing is leaked). Pages come from
 * HIGHMEM first. All calls that make or free an area panic in an interrupt.
 */
void *vmalloc(uint32_t size);
void *vzalloc(uint32_t size);
void *__vmalloc(uint32_t size, gfp_t gfp, pte_t prot);
/* NULL is fine. An address that vmalloc did not give: a warning, nothing is freed. */
void vfree(const void *addr);

/*
 * Show `count` pages side by side. Of the flags VM_MAP is kept. NULL: count 0 or more than all RAM,
 * one of the pages is NULL (a warning), no room, no memory. vunmap: as vfree, and the pages stay.
 */
void *vmap(struct page **pages, unsigned count, uint32_t flags, pte_t prot);
void vunmap(const void *addr);

/*
 * Device memory: [phys, phys + size) uncached, aligned in the area as Linux does (the power of two
 * above the size, at most 128 pages). NULL: size 0, it is RAM (a warning), wraps, or there is no
 * room or memory. 640K..1M is not mapped again: the direct map's address. iounmap: as vfree;
 * anywhere in the first page; addresses below high_memory are ignored.
 */
void *ioremap(paddr_t phys, uint32_t size);
void iounmap(const volatile void *addr);

bool is_vmalloc_addr(const volatile void *addr);
struct page *vmalloc_to_page(const void *addr); /* NULL: not mapped */
/* The live area that starts at addr, or NULL. */
const struct vm_struct *find_vm_area(const void *addr);
const struct vm_struct *vm_area_first(void); /* then ->next */

/* Flush and reuse all lazily freed areas now. */
void vm_unmap_aliases(void);
uint32_t vmalloc_lazy_pages(void);

/*
 * A fault in the vmalloc area under another directory: copy the PDE. False: the area is not mapped.
 */
bool vmalloc_fault(vaddr_t addr);

/*
 * Map or unmap one page in the kernel's tables (pgtable.c). map: 0, -ENOMEM (for a table) or -EBUSY
 * (mapped already, with a warning). unmap returns the old entry, 0 for none; the translation may
 * stay cached, and flushing it before the address is used again is the caller's part.
 */
int map_kernel_page(vaddr_t va, paddr_t pa, pte_t prot);
pte_t unmap_kernel_page(vaddr_t va);
/* The entry for va; its table is made when missing. NULL: no memory, or a 4 MiB page is there. */
pte_t *pte_alloc_kernel(vaddr_t va);
/*
 * The entry that maps va in the kernel's directory, or NULL without a table; not for 4 MiB pages.
 */
pte_t *lookup_kernel_pte(vaddr_t va);

unsigned vmalloc_check(void);

#endif
