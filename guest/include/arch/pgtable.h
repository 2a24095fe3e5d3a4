/* SPDX-License-Identifier: MIT */
/*
 * Two-level page tables (Intel SDM vol. 3, 4.3). The virtual layout is in mm/layout.h, the fixed
 * slots are in mm/highmem.h.
 *
 * swapper_pg_dir is the kernel's page directory. boot.S fills its part above PAGE_OFFSET with
 * global 4 MiB pages for all of MAXMEM; paging_init() then takes away what is not low memory. The
 * part below PAGE_OFFSET is user space and starts empty.
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <arch/page.h>

#ifndef __ASSEMBLER__

typedef u32 pgd_t;

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];

/*
 * Limits the direct map to low memory and turns global pages on. Between zones_init() and
 * mem_init().
 */
void paging_init(void);

/* Prints the regions of the virtual layout, highest first. */
void print_virtual_layout(void);

#endif
#endif
