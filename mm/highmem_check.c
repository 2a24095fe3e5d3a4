// SPDX-License-Identifier: MIT
/*
 * Verifies, at rest (nobody has a page mapped):
 *  (a) no slot of kmap has users;
 *  (b) a slot's entry is clear exactly when its counter is 0, else it shows the slot's page;
 *  (c) a slot with a page is in the bucket of that page, once, and no other slot is in a bucket;
 *  (d) the fixed slots of kmap_atomic, those nobody named, and the hole between kmap and them
 *      are clear.
 */
#include "mm/arch.h"
#include "mm/page_alloc.h"
#include "mm/pkmap.h"
#include "mm/vmalloc.h"

static unsigned violations;

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	arch_printk("highmem_check: %s\n", text);
	violations++;
}

/* (a), (b) */
static void check_slot(unsigned n)
{
	const struct pkmap_slot *slot = &highmem.slot[n];
	pte_t pte = highmem.pkmap[n];

	if (slot->count < 0 || slot->count > 1)
		complain("slot %u: its counter is %d", n, slot->count);
	if (!slot->count != !slot->page || !slot->count != !pte)
		complain("slot %u: counter %d, %s page, entry %08x", n, slot->count,
			 slot->page ? "a" : "no", pte);
	else if (slot->page && pte_pfn(pte) != page_to_pfn(slot->page))
		complain("slot %u: entry %08x, its page is %x", n, pte, page_to_pfn(slot->page));
	if (slot->page && !page_is_highmem(slot->page))
		complain("slot %u: lowmem page %x", n, page_to_pfn(slot->page));
}

/* (c) */
static void check_hash(void)
{
	unsigned hashed = 0, used = 0;

	for (unsigned n = 0; n < LAST_PKMAP; n++) {
		const struct page *page = highmem.slot[n].page;

		used += page != NULL;
		if (page && arch_vaddr(kmap_address(page)) != pkmap_addr(n))
			complain("slot %u: page %x is said to be at %08x", n, page_to_pfn(page),
				 arch_vaddr(kmap_address(page)));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(highmem.bucket); i++)
		for (int n = highmem.bucket[i]; n >= 0 && hashed <= LAST_PKMAP;
		     n = highmem.slot[n].next)
			hashed++;
	if (hashed != used)
		complain("%u slots in buckets, %u have a page", hashed, used);
}

static void check_clear(vaddr_t va, const char *what)
{
	const pte_t *pte = lookup_kernel_pte(va);

	if (pte && *pte)
		complain("%s %08x: its entry is %08x", what, va, *pte);
}

/* (d) */
static void check_fixed(void)
{
	for (unsigned slot = FIX_HOLE + 1; slot <= FIXADDR_SLOTS; slot++) {
		if (slot >= FIX_KMAP_BEGIN && slot <= FIX_KMAP_END)
			check_clear(fix_to_virt(slot), "slot of kmap_atomic");
		else if (slot >= FIX_SLOTS_USED)
			check_clear(fix_to_virt(slot), "unnamed fixed slot");
	}
	for (vaddr_t va = pkmap_addr(LAST_PKMAP); va < FIXADDR_START; va += PAGE_SIZE)
		check_clear(va, "hole");
}

unsigned highmem_check(void)
{
	violations = 0;
	for (unsigned n = 0; n < LAST_PKMAP; n++)
		check_slot(n);
	check_hash();
	check_fixed();
	return violations;
}
