/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries of user space, and the names for what is done to them (Linux 2.6.32,
 * arch/x86/include/asm/pgtable.h).
 *
 * An entry is in one of three forms:
 *   0                             nothing is there yet
 *   _PAGE_PRESENT set             a page; _PAGE_USER is set, too
 *   _PAGE_PROTNONE, not PRESENT   a page of a VMA without rights: the CPU faults, the frame stays
 * (Forms for swapped pages leave both bits clear.)
 */
#ifndef MM_PTE_H
#define MM_PTE_H

#include "mm/layout.h"

#define _PAGE_PROTNONE _PAGE_GLOBAL /* means something else in an entry that is not present */

#define _PAGE_TABLE                                                                                \
	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY) /* a user PDE */
#define PAGE_NONE (_PAGE_PROTNONE | _PAGE_ACCESSED)
#define PAGE_READONLY (_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_SHARED (_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED)

/* What mprotect() leaves of an entry: the frame, how it is cached, what the CPU noted. */
#define PAGE_CHG_MASK (PAGE_MASK | _PAGE_PCD | _PAGE_PWT | _PAGE_ACCESSED | _PAGE_DIRTY)

/* A page is there, readable or not. */
static inline bool pte_present(pte_t pte)
{
	return pte & (_PAGE_PRESENT | _PAGE_PROTNONE);
}

static inline bool pte_none(pte_t pte)
{
	return !pte;
}

static inline bool pte_write(pte_t pte)
{
	return pte & _PAGE_RW;
}

static inline pte_t pte_modify(pte_t pte, pte_t prot)
{
	return (pte & PAGE_CHG_MASK) | prot;
}

#endif
