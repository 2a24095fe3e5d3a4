/* SPDX-License-Identifier: MIT */
/*
 * Reaching pages that the direct map does not show (Linux 2.6.32, mm/highmem.c,
 * arch/x86/mm/highmem_32.c).
 *
 * kmap: 1024 slots in one page table. A slot's counter is 0: free and flushed; 1: unused, its
 * translation maybe still cached; n: n - 1 users. When the search wraps, all slots at 1 are flushed
 * and become 0. A page keeps its address while its counter is not 0.
 * kmap_atomic: a fixed slot for each use (enum km_type), for code that may not sleep; the slot's
 * entry is cleared and its translation flushed on each unmap, so that mapping needs no flush.
 */
#ifndef MM_HIGHMEM_H
#define MM_HIGHMEM_H

#include "mm/mmzone.h"

enum km_type { KM_USER0, KM_USER1, KM_BOUNCE_READ, KM_PTE0, KM_PTE1, KM_IRQ0, KM_IRQ1, KM_TYPE_NR };

enum fixed_addresses {
	FIX_HOLE, /* not a slot */
	FIX_APIC_BASE,
	FIX_KMAP_BEGIN,
	FIX_KMAP_END = FIX_KMAP_BEGIN + KM_TYPE_NR - 1,
	FIX_SLOTS_USED
};
_Static_assert(FIX_SLOTS_USED <= FIXADDR_SLOTS, "fixed slots");

static inline vaddr_t fix_to_virt(enum fixed_addresses slot)
{
	return FIXADDR_TOP - ((vaddr_t)slot << PAGE_SHIFT);
}

/* Page tables of the fixed and kmap areas. Panics without memory: it is boot. */
void kmap_init(void);
/*
 * Show the page at `pa` in a slot, or nothing, and flush. Panics for FIX_HOLE and what is no slot.
 */
void set_fixmap(enum fixed_addresses slot, paddr_t pa, pte_t prot);
void clear_fixmap(enum fixed_addresses slot);

/*
 * May wait for a slot (arch_relax). In an interrupt: a warning, and a panic if it had to wait. A
 * lowmem page has its address anyway.
 */
void *kmap(struct page *page);
/* NULL instead of waiting. */
void *kmap_try(struct page *page);
/* Panics in an interrupt, and for a highmem page without users; a no-op for a lowmem page. */
void kunmap(struct page *page);

/*
 * Nest like brackets for one type. Panics, and names the slot: kmap_atomic when it is in use;
 * kunmap when nothing is mapped in it or `addr` is another's (Linux 2.6.32 lets that pass).
 */
void *kmap_atomic(struct page *page, enum km_type type);
void kunmap_atomic(void *addr, enum km_type type);

void clear_highpage(struct page *page);
void copy_highpage(struct page *to, struct page *from);

/* The address kmap gave a highmem page, or NULL. */
void *kmap_address(const struct page *page);
/* Make every unused slot free now: one flush for all, none if there was none. */
void kmap_flush_unused(void);
/* The counter of a slot; -EINVAL from LAST_PKMAP on. */
int pkmap_count(unsigned slot);

/* All slots free or unused at rest, tables and counters agree. Violations. */
unsigned highmem_check(void);

#endif
