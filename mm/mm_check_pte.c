// SPDX-License-Identifier: MIT
/*
 * The invariants of page tables and of what pages count, found by walking all tables. What the
 * structures claim is not trusted: entries of a bad table are not followed.
 */
#include "mm/page_internal.h"
#include "mm/user_pages.h"

#define MAX_REPORTS 20 /* one broken count can be wrong for every page */

static unsigned violations;

__attribute__((format(printf, 1, 2))) static void violation(const char *fmt, ...)
{
	char text[160];
	va_list args;

	if (violations++ >= MAX_REPORTS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	arch_printk("mm_check: %s\n", text);
}

/* --- one mm ----------------------------------------------------------------------------------- */

/* What a walk over one mm's tables finds. */
struct tally {
	uint32_t rss[NR_MM_COUNTERS];
	uint32_t tables;
};

static void check_rights(const struct vm_area_struct *vma, vaddr_t addr, pte_t pte)
{
	bool accessible = vma->vm_flags & VM_ACCESS_FLAGS;

	if (pte_write(pte) && !(vma->vm_flags & VM_WRITE))
		violation("%08x: entry %08x is writable, its VMA is not", addr, pte);
	if (!(pte & _PAGE_PRESENT) == accessible)
		violation("%08x: entry %08x, and its VMA is %saccessible", addr, pte,
			  accessible ? "" : "not ");
	if (pte & _PAGE_PRESENT && !(pte & _PAGE_USER))
		violation("%08x: entry %08x is not the user's", addr, pte);
}

static void check_page(const struct vm_area_struct *vma, vaddr_t addr, pte_t pte)
{
	struct page *page = pfn_to_page(pte_pfn(pte));

	if (page->state != PAGE_ANON && page->state != PAGE_CACHE)
		violation("%08x: entry %08x maps a page that is %s", addr, pte,
			  page_state_name(page->state));
	else if (page_is_anon(page) != (page->state == PAGE_ANON))
		violation("%08x: page %05x is %s and of the other kind by its mapping", addr,
			  pte_pfn(pte), page_state_name(page->state));
	else if (page_address_in_vma(page, vma) != addr)
		violation("%08x: reverse mapping finds page %05x at %08x", addr, pte_pfn(pte),
			  page_address_in_vma(page, vma));
	if (page->count < page->mapcount || page->mapcount < 1)
		violation("%08x: page %05x is mapped %d times with %d references", addr,
			  pte_pfn(pte), page->mapcount, page->count);
	if (!(vma->vm_flags & VM_SHARED) && pte_write(pte) &&
	    (page->state != PAGE_ANON || page->mapcount != 1))
		violation("%08x: private and writable, but page %05x is %s with mapcount %d", addr,
			  pte_pfn(pte), page_state_name(page->state), page->mapcount);
}

static void check_entry(struct mm_struct *mm, vaddr_t addr, pte_t pte, struct tally *tally)
{
	const struct vm_area_struct *vma = find_vma_intersection(mm, addr, addr + PAGE_SIZE);

	if (!vma) {
		violation("%08x: entry %08x lies in no VMA", addr, pte);
		return;
	}
	if (!pte_present(pte) || !pfn_valid(pte_pfn(pte))) {
		violation("%08x: entry %08x is none that user space has", addr, pte);
		return;
	}
	check_rights(vma, addr, pte);
	if (is_zero_pfn(pte_pfn(pte))) {
		if (pte_write(pte))
			violation("%08x: the zero page is writable", addr);
		return;
	}
	tally->rss[rss_kind(pfn_to_page(pte_pfn(pte)))]++;
	check_page(vma, addr, pte);
}

static bool is_table(pfn_t pfn)
{
	return pfn < mm.max_low_pfn && pfn_to_page(pfn)->state == PAGE_TABLE;
}

/* The table of a PDE, or NULL: none, or a bad one, which is told unless `quiet`. */
static const pte_t *table_of(const struct mm_struct *mm, uint32_t i, bool quiet)
{
	pte_t pde = mm->pgd[i];

	if (!(pde & _PAGE_PRESENT))
		return NULL;
	if ((pde & ~PAGE_MASK) != _PAGE_TABLE || !is_table(pte_pfn(pde))) {
		if (!quiet)
			violation("PDE %u is %08x: no page table", i, pde);
		return NULL;
	}
	return phys_to_virt(pde & PAGE_MASK);
}

static void check_kernel_half(const struct mm_struct *mm)
{
	const pte_t *kernel = arch_kernel_pgd();
	const pte_t noted = _PAGE_ACCESSED | _PAGE_DIRTY;

	for (uint32_t i = pgd_index(PAGE_OFFSET); i < PTRS_PER_PGD; i++)
		if (mm->pgd[i] && (mm->pgd[i] | noted) != (kernel[i] | noted))
			violation("PDE %u of the kernel's half is %08x, should be %08x", i,
				  mm->pgd[i], kernel[i]);
}

unsigned mm_check_ptes(struct mm_struct *mm)
{
	struct tally tally = { 0 };

	violations = 0;
	for (uint32_t i = 0; i < pgd_index(TASK_SIZE); i++) {
		const pte_t *table = table_of(mm, i, false);

		tally.tables += table != NULL;
		for (uint32_t n = 0; table && n < PTRS_PER_PTE; n++)
			if (!pte_none(table[n]))
				check_entry(mm, i << PGDIR_SHIFT | n << PAGE_SHIFT, table[n],
					    &tally);
	}
	check_kernel_half(mm);
	if (tally.tables != mm->nr_ptes)
		violation("nr_ptes is %u, there are %u tables", mm->nr_ptes, tally.tables);
	for (unsigned kind = 0; kind < NR_MM_COUNTERS; kind++)
		if (tally.rss[kind] != mm->rss[kind])
			violation("rss of %s pages is %u, %u are present",
				  kind == MM_ANONPAGES ? "anonymous" : "file", mm->rss[kind],
				  tally.rss[kind]);
	return violations;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Add `change` to the mapcount of every page, for each entry that maps it. */
static void change_mapcounts(const struct mm_struct *mm, int32_t change)
{
	for (uint32_t i = 0; i < pgd_index(TASK_SIZE); i++) {
		const pte_t *table = table_of(mm, i, true);

		for (uint32_t n = 0; table && n < PTRS_PER_PTE; n++)
			if (pte_present(table[n]) && pfn_valid(pte_pfn(table[n])) &&
			    !is_zero_pfn(pte_pfn(table[n])))
				pfn_to_page(pte_pfn(table[n]))->mapcount += change;
	}
}

static void change_all_mapcounts(int32_t change)
{
	list_for_each(node, &mm_list)
		change_mapcounts(list_entry(node, struct mm_struct, mmlist), change);
}

/* Of all entries, one was taken from mapcount: 0 must be left. */
static void check_unmapped(void)
{
	for (pfn_t pfn = 0; pfn < mm.max_pfn; pfn++) {
		const struct page *page = pfn_to_page(pfn);

		if (page->mapcount)
			violation("page %05x (%s): mapcount is %d more than the entries found", pfn,
				  page_state_name(page->state), page->mapcount);
	}
}

static void check_zone_counts(void)
{
	uint32_t anon = 0, mapped = 0, cached = 0;

	for (pfn_t pfn = 0; pfn < mm.max_pfn; pfn++) {
		const struct page *page = pfn_to_page(pfn);

		anon += page->state == PAGE_ANON && page->mapcount > 0;
		mapped += page->state == PAGE_CACHE && page->mapcount > 0;
		cached += page->state == PAGE_CACHE;
	}
	if (anon != global_page_state(NR_ANON_PAGES))
		violation("nr_anon_pages is %u, should be %u", global_page_state(NR_ANON_PAGES),
			  anon);
	if (mapped != global_page_state(NR_FILE_MAPPED))
		violation("nr_mapped is %u, should be %u", global_page_state(NR_FILE_MAPPED),
			  mapped);
	if (cached != global_page_state(NR_FILE_PAGES))
		violation("nr_file_pages is %u, should be %u", global_page_state(NR_FILE_PAGES),
			  cached);
}

/*
 * Needs no memory: the entries found are counted in the mapcounts themselves, downwards, and then
 * put back. Nothing runs in between that looks at them.
 */
unsigned mm_check_rmap(void)
{
	violations = 0;
	check_zone_counts();
	change_all_mapcounts(-1);
	check_unmapped();
	change_all_mapcounts(1);
	return violations;
}
