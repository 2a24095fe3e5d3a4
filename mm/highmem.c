// SPDX-License-Identifier: MIT
#include "mm/highmem.h"

#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/page_alloc.h"
#include "mm/pkmap.h"
#include "mm/vmalloc.h"

struct highmem highmem;

/* --- boot and fixed slots --------------------------------------------------------------------- */

void kmap_init(void)
{
	highmem = (struct highmem){ 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(highmem.bucket); i++)
		highmem.bucket[i] = -1;
	highmem.pkmap = pte_alloc_kernel(PKMAP_BASE);
	highmem.fixmap = pte_alloc_kernel(FIXADDR_START);
	if (!highmem.pkmap || !highmem.fixmap)
		arch_panic("kmap_init: no memory for page tables");
}

/* Usable before kmap_init(), where boot made the table. */
void set_fixmap(enum fixed_addresses slot, paddr_t pa, pte_t prot)
{
	pte_t *pte;

	if (slot <= FIX_HOLE || slot >= FIX_SLOTS_USED)
		arch_panic("set_fixmap: there is no slot %d", (int)slot);
	pte = lookup_kernel_pte(fix_to_virt(slot));
	if (!pte)
		arch_panic("set_fixmap: slot %d before there is a page table", (int)slot);
	*pte = (pa & PAGE_MASK) | prot;
	arch_flush_tlb_page(fix_to_virt(slot));
}

void clear_fixmap(enum fixed_addresses slot)
{
	set_fixmap(slot, 0, 0);
}

/* --- page -> address -------------------------------------------------------------------------- */

/*
 * A slot shows one page, so the slots themselves are the entries of the hash table. Interrupt
 * handlers may ask for an address, hence the irq_save around changes.
 */

static int16_t *bucket_of(const struct page *page)
{
	/* Multiplicative hashing by the golden ratio, upper 7 bits: 128 buckets. */
	return &highmem.bucket[page_to_pfn(page) * 0x9e3779b1u >> (32 - PKMAP_HASH_BITS)];
}

static void hash_slot(unsigned slot, struct page *page)
{
	int16_t *bucket = bucket_of(page);
	uint32_t flags = arch_irq_save();

	highmem.slot[slot].page = page;
	highmem.slot[slot].next = *bucket;
	*bucket = (int16_t)slot;
	arch_irq_restore(flags);
}

static void unhash_slot(unsigned slot)
{
	int16_t *link = bucket_of(highmem.slot[slot].page);
	uint32_t flags = arch_irq_save();

	while (*link != (int16_t)slot)
		link = &highmem.slot[*link].next;
	*link = highmem.slot[slot].next;
	highmem.slot[slot].page = NULL;
	arch_irq_restore(flags);
}

/* The slot that shows `page`, or -1. */
static int find_slot(const struct page *page)
{
	uint32_t flags = arch_irq_save();
	int slot = *bucket_of(page);

	while (slot >= 0 && highmem.slot[slot].page != page)
		slot = highmem.slot[slot].next;
	arch_irq_restore(flags);
	return slot;
}

void *kmap_address(const struct page *page)
{
	int slot = find_slot(page);

	return slot < 0 ? NULL : arch_ptr(pkmap_addr((unsigned)slot));
}

/* --- kmap ------------------------------------------------------------------------------------- */

void kmap_flush_unused(void)
{
	bool stale = false;

	for (unsigned slot = 0; slot < LAST_PKMAP; slot++) {
		if (highmem.slot[slot].count != 1)
			continue;
		highmem.slot[slot].count = 0;
		highmem.pkmap[slot] = 0;
		unhash_slot(slot);
		stale = true;
	}
	/* One flush for all: this is why kunmap leaves the entry in place. */
	if (stale)
		arch_flush_tlb_range(PKMAP_BASE, pkmap_addr(LAST_PKMAP));
}

/* The next free slot, round robin; unused ones become free whenever the search wraps. -EBUSY. */
static int find_free_slot(void)
{
	for (unsigned tries = LAST_PKMAP; tries; tries--) {
		highmem.last = (highmem.last + 1) % LAST_PKMAP;
		if (!highmem.last) {
			kmap_flush_unused();
			tries = LAST_PKMAP;
		}
		if (!highmem.slot[highmem.last].count)
			return (int)highmem.last;
	}
	return -EBUSY;
}

/* The address of a highmem page with one user more, or NULL. */
static void *kmap_high(struct page *page)
{
	int slot = find_slot(page);

	if (slot < 0) {
		slot = find_free_slot();
		if (slot < 0)
			return NULL;
		highmem.pkmap[slot] = page_to_phys(page) | PAGE_KERNEL;
		highmem.slot[slot].count = 1;
		hash_slot((unsigned)slot, page);
	}
	highmem.slot[slot].count++;
	return arch_ptr(pkmap_addr((unsigned)slot));
}

void *kmap_try(struct page *page)
{
	if (!page_is_highmem(page))
		return page_address(page);
	return kmap_high(page);
}

void *kmap(struct page *page)
{
	void *addr;

	if (arch_in_interrupt())
		arch_printk("WARNING: kmap of page %x in an interrupt: it may have to wait\n",
			    page_to_pfn(page));
	/* Somebody may map this page while we wait: each try begins by looking for it. */
	while (!(addr = kmap_try(page))) {
		if (arch_in_interrupt())
			arch_panic("kmap of page %x in an interrupt: no slot is free",
				   page_to_pfn(page));
		arch_relax();
	}
	return addr;
}

void kunmap(struct page *page)
{
	int slot;

	if (arch_in_interrupt())
		arch_panic("kunmap of page %x in an interrupt", page_to_pfn(page));
	if (!page_is_highmem(page))
		return;
	slot = find_slot(page);
	if (slot < 0 || highmem.slot[slot].count < 2)
		arch_panic("kunmap of page %x: it is not mapped", page_to_pfn(page));
	highmem.slot[slot].count--;
}

int pkmap_count(unsigned slot)
{
	return slot < LAST_PKMAP ? highmem.slot[slot].count : -EINVAL;
}

/* --- kmap_atomic ------------------------------------------------------------------------------ */

static const char *const km_names[KM_TYPE_NR] = {
	[KM_USER0] = "KM_USER0", [KM_USER1] = "KM_USER1", [KM_BOUNCE_READ] = "KM_BOUNCE_READ",
	[KM_PTE0] = "KM_PTE0",	 [KM_PTE1] = "KM_PTE1",	  [KM_IRQ0] = "KM_IRQ0",
	[KM_IRQ1] = "KM_IRQ1",
};

static enum fixed_addresses km_slot(enum km_type type)
{
	if ((unsigned)type >= KM_TYPE_NR)
		arch_panic("kmap_atomic: there is no type %d", (int)type);
	return FIX_KMAP_BEGIN + type;
}

static pte_t *km_pte(enum fixed_addresses slot)
{
	return &highmem.fixmap[(fix_to_virt(slot) - FIXADDR_START) >> PAGE_SHIFT];
}

void *kmap_atomic(struct page *page, enum km_type type)
{
	enum fixed_addresses slot = km_slot(type);
	pte_t *pte = km_pte(slot);

	if (!page_is_highmem(page))
		return page_address(page);
	if (*pte)
		arch_panic("kmap_atomic of page %x: %s is in use, for page %x", page_to_pfn(page),
			   km_names[type], pte_pfn(*pte));
	/* No flush: kunmap_atomic() left nothing cached. */
	*pte = page_to_phys(page) | PAGE_KERNEL;
	return arch_ptr(fix_to_virt(slot));
}

void kunmap_atomic(void *addr, enum km_type type)
{
	enum fixed_addresses slot = km_slot(type);
	vaddr_t va = arch_vaddr(addr) & PAGE_MASK;

	if (va >= PAGE_OFFSET && va < mm.high_memory)
		return;
	if (va != fix_to_virt(slot) || !*km_pte(slot))
		arch_panic("kunmap_atomic(%08x): %s is not mapped there", va, km_names[type]);
	clear_fixmap(slot);
}

/* --- whole pages ------------------------------------------------------------------------------ */

void clear_highpage(struct page *page)
{
	void *addr = kmap_atomic(page, KM_USER0);

	memset(addr, 0, PAGE_SIZE);
	kunmap_atomic(addr, KM_USER0);
}

void copy_highpage(struct page *to, struct page *from)
{
	void *src = kmap_atomic(from, KM_USER0), *dst = kmap_atomic(to, KM_USER1);

	memcpy(dst, src, PAGE_SIZE);
	kunmap_atomic(dst, KM_USER1);
	kunmap_atomic(src, KM_USER0);
}
